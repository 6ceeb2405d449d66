"""aevb-report: write one HTML file about runs, or about the runs of a sweep."""

import gc
import re
import shlex
import sys
from pathlib import Path

from aevb.cli.arguments import Arguments, add_config_dir, overrides_of, run_command, run_path, user_path
from aevb.cli.flags import take_trusted
from aevb.cli.status import rows_of_sweep
from aevb.errors import UserError
from aevb.files.replaceable import PAGE, check_replaceable
from aevb.runs.status import Row, directories

__all__ = ["report"]


def report() -> None:
    """aevb-report: one HTML file about runs that opens anywhere, without a network and without JavaScript."""
    run_command("aevb-report", _report)


def _report() -> int:
    parser = Arguments("aevb-report", description=report.__doc__, allow_abbrev=False)
    parser.add_argument(
        "what",
        nargs="*",
        default=["outputs/runs"],
        metavar="RUNS",
        help="folders with runs (outputs/runs), or the overrides of an aevb-train sweep",
    )
    parser.add_argument(
        "--output", type=user_path, default=Path("report.html"), metavar="FILE", help="the page (report.html)"
    )
    parser.add_argument("--title", default="Report", help="its heading")
    parser.add_argument("--images", default="6", metavar="N", help="pictures of every run, at most (6)")
    parser.add_argument("--no-images", action="store_true", help="no pictures")
    parser.add_argument(
        "--redact", metavar="REGEX", help="text to remove, beside names of users, hosts and home directories"
    )
    parser.add_argument(
        "--tensorboard",
        type=user_path,
        metavar="FOLDER",
        help="write a log directory for TensorBoard as well (docs/tensorboard)",
    )
    add_config_dir(parser)
    trusted = take_trusted()
    arguments = parser.parse_args([argument for argument in sys.argv[1:] if argument not in ("-m", "--multirun")])
    images = 0 if arguments.no_images else _images(arguments.images)
    pattern = _pattern(arguments.redact)
    check_replaceable(arguments.output, "--output", PAGE)
    overrides = overrides_of(arguments.what, arguments.config_dir)
    gc.disable()  # thousands of runs are millions of objects, and no cycles among them
    if overrides:
        runs: list[Row | Path] = [*rows_of_sweep(overrides, trusted, arguments.config_dir)]
    else:
        runs = [*dict.fromkeys(run for folder in arguments.what for run in directories(run_path(folder)))]
    from aevb.report import Options, write_report  # here, so that --help does not load numpy

    if arguments.tensorboard is not None:
        from aevb.report.dashboard import check_log_directory, write_dashboard

        check_log_directory(arguments.tensorboard)  # before the page is written
    write_report(runs, arguments.output, Options(arguments.title, images, pattern))
    if arguments.tensorboard is not None:
        print(f"tensorboard --logdir {shlex.quote(str(write_dashboard(runs, arguments.tensorboard)))}")
    print(arguments.output)
    return 0


def _images(text: str) -> int:
    if not text.isdecimal():
        raise UserError(f"--images {text}: not a count; allowed: an integer >= 0; try: --images 6")
    return int(text)


def _pattern(text: str | None) -> re.Pattern[str] | None:
    try:
        return None if text is None else re.compile(text)
    except re.error as error:
        raise UserError(f"--redact {text}: not a regular expression ({error}); try: --redact 'name|other'") from error
