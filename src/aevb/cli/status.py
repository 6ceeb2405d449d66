"""aevb-status: show the progress of runs, or of the runs that a sweep would make."""

import argparse
import shlex
import sys
from pathlib import Path

from aevb.cli.arguments import Arguments, add_config_dir, overrides_of, run_command, run_path
from aevb.cli.composition import hydra_session
from aevb.cli.flags import take_trusted
from aevb.cli.hydra_errors import explain
from aevb.cli.overrides import literal_path
from aevb.cli.run_plan import plan_run
from aevb.cli.sweep import NOT_STARTED, check_points, compose_master
from aevb.cli.tables import show
from aevb.cli.user_errors import is_user_error
from aevb.cli.watch import watch
from aevb.errors import UserError
from aevb.execution.worker_command import trust_flags
from aevb.runs.status import Row, directories, row
from aevb.runs.watched import WatchedFolders, WatchedRows

__all__ = ["rows_of_sweep", "status"]


def status() -> None:
    """aevb-status: how far runs have come, or the runs that a sweep would make."""
    run_command("aevb-status", _status)


def _status() -> int:
    parser = Arguments("aevb-status", description=status.__doc__, allow_abbrev=False)
    parser.add_argument(
        "what",
        nargs="*",
        default=["outputs/runs"],
        help="a folder with runs (outputs/runs); or the overrides of an aevb-train sweep, whose runs are then all named",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument(
        "--watch", action="store_true", help="show the runs while they are trained, until all have ended"
    )
    parser.add_argument(
        "--interval",
        type=float,
        metavar="SECONDS",
        help="between two updates of --watch (2; 30 where there is no terminal)",
    )
    add_config_dir(parser)
    trusted = take_trusted()
    arguments = parser.parse_args([argument for argument in sys.argv[1:] if argument not in ("-m", "--multirun")])
    overrides = overrides_of(arguments.what, arguments.config_dir)
    _check_watch(arguments)
    if not overrides and arguments.watch:
        folders = [run_path(folder) for folder in arguments.what]
        for folder in folders:
            if not folder.is_dir():
                raise UserError(
                    f"{folder}: no such folder; allowed: a folder that exists, empty too; try: mkdir -p {shlex.quote(str(folder))}"
                )
        return watch(WatchedFolders(folders), arguments.interval)
    if not overrides:
        runs = dict.fromkeys(run for folder in arguments.what for run in directories(run_path(folder)))
        show([row(run) for run in runs], arguments.json)
        return 0
    rows = rows_of_sweep(overrides, trusted, arguments.config_dir)
    if arguments.watch:
        watched = WatchedRows()
        return watch(lambda: [watched.row(Path(r.run), r.max_samples, r.point) for r in rows], arguments.interval)
    show(rows, arguments.json)
    if not arguments.json and any(item.state not in ("done", "running") for item in rows):
        own = [] if arguments.config_dir is None else ["--config-dir", arguments.config_dir]
        print(f"what is not done: {shlex.join(['aevb-train', '-m', *trust_flags(trusted), *own, *overrides])}")
    return 0


def _check_watch(arguments: argparse.Namespace) -> None:
    if arguments.watch and arguments.json:
        raise UserError("--watch --json: not together; allowed: one of them; try: aevb-status --json")
    if arguments.interval is None:
        return
    if not arguments.watch:
        raise UserError(
            f"--interval={arguments.interval:g}: only with --watch; allowed: both or neither; "
            f"try: --watch --interval {arguments.interval:g}"
        )
    if not 0.1 <= arguments.interval <= 3600:
        raise UserError(
            f"--interval={arguments.interval:g}: out of range; allowed: 0.1 to 3600 seconds; try: --interval 2"
        )


def rows_of_sweep(overrides: list[str], trusted: tuple[str, ...], config_dir: str | None = None) -> list[Row]:
    """Return the rows of the runs that a sweep would make.

    Args:
        overrides: The overrides of an aevb-train command line.
        trusted: Users' modules that a config may name.
        config_dir: Another directory of configs.

    Returns:
        One row for every point of the sweep.

    Raises:
        UserError: If the command line is refused.
    """
    overrides = [literal_path(override) for override in overrides]
    try:
        with hydra_session(config_dir) as application:
            planned = check_points(application, compose_master(application, "train", overrides), plan_run, trusted)
    except UserError as error:  # this command starts nothing, and there may be runs of an earlier aevb-train
        refused = str(error).replace(NOT_STARTED, "aevb-train would start none of them, so they are not shown")
        raise UserError(refused) from error
    except Exception as error:
        if not is_user_error(error):
            raise
        raise UserError(explain(error, "train", overrides)) from error
    return [row(point.plan.directory, point.plan.max_samples, point.label) for point in planned if point.plan]
