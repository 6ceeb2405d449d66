"""aevb-explore: write an offline page that explores the latent space of finished runs."""

from pathlib import Path

from aevb.cli.arguments import Arguments, run_command, run_path, user_path
from aevb.cli.flags import take_trusted
from aevb.files.replaceable import PAGE, check_replaceable
from aevb.runs.data_record import check_data_root
from aevb.runs.run_reference import is_archived, unpacked_run
from aevb.runs.settings import read_settings

__all__ = ["explore"]


def explore() -> None:
    """aevb-explore RUN [RUN ...]: one offline HTML page with the models in it, to explore their latent spaces."""
    run_command("aevb-explore", _explore)


def _explore() -> int:
    parser = Arguments("aevb-explore", description=explore.__doc__, allow_abbrev=False)
    parser.add_argument(
        "runs", nargs="+", type=run_path, metavar="RUN", help="directory of a finished run, or ARCHIVE.zip:NAME"
    )
    parser.add_argument(
        "--output", type=user_path, metavar="FILE", help="the page (RUN/explorer.html, or explorer.html)"
    )
    parser.add_argument("--data-root", metavar="DIR", help="folder of the data sets, if not the one that the runs used")
    trusted = take_trusted()
    arguments = parser.parse_args()
    runs: list[Path] = [unpacked_run(run, parser) for run in dict.fromkeys(arguments.runs)]
    # A folder that is no run is refused before torch is loaded.
    check_data_root(arguments.data_root, [read_settings(run)["data"] for run in runs], "--data-root ")
    output = arguments.output or (
        runs[0] / "explorer.html" if len(runs) == 1 and not is_archived(arguments.runs[0]) else Path("explorer.html")
    )
    check_replaceable(output, "--output", PAGE)
    from aevb.explorer import write_page

    size = write_page(runs, output, arguments.data_root, trusted)
    print(f"{output} ({size / 1e6:.1f} MB)")
    return 0
