"""aevb-weights: the weights of many runs as one archive; list it, or make run directories of it again.

aevb-weights pack results/runs --output outputs/weights.zip --train
aevb-weights list outputs/weights.zip
aevb-weights unpack outputs/weights.zip --output elsewhere/runs
"""

import argparse
import os
from pathlib import Path

from aevb.cli.arguments import Arguments, run_command, run_path, user_path
from aevb.cli.flags import check_trusted
from aevb.cli.weights_training import train_again
from aevb.console.counts import counted
from aevb.console.printable import printable
from aevb.console.typed import typed_path
from aevb.errors import UserError
from aevb.files.regular import read_text
from aevb.files.replaceable import ARCHIVE, check_replaceable
from aevb.runs import layout
from aevb.runs.records import sha256_of_file
from aevb.runs.run import state
from aevb.runs.walk import run_directories
from aevb.runs.weights_archive import ArchivedRun, archived_files, open_archive, unpack, write_archive

__all__ = ["weights"]


def weights() -> None:
    """aevb-weights pack|list|unpack: the weights of finished runs as one archive that aevb.load reads."""
    run_command("aevb-weights", _weights)


def _weights() -> int:
    parser = Arguments("aevb-weights", description=weights.__doc__, allow_abbrev=False)
    actions = parser.add_subparsers(dest="action", required=True, metavar="pack|list|unpack")
    pack = actions.add_parser("pack", help="write the finished runs in folders into an archive", allow_abbrev=False)
    pack.add_argument("runs", nargs="+", type=run_path, help="run directories, or folders with run directories")
    pack.add_argument(
        "--output", type=user_path, default=Path("outputs/weights.zip"), help="the archive (outputs/weights.zip)"
    )
    pack.add_argument("--train", action="store_true", help="train runs without model.pt again from their config")
    pack.add_argument("--output-dir", type=user_path, default=Path("outputs"), help="where they are trained (outputs)")
    pack.add_argument(
        "--trust", action="append", default=[], metavar="MODULE", help="a module of yours that a config may name"
    )
    content = actions.add_parser("list", help="check an archive and print its runs", allow_abbrev=False)
    content.add_argument("archive", type=user_path, help="an archive that aevb-weights wrote")
    out = actions.add_parser("unpack", help="make run directories of an archive", allow_abbrev=False)
    out.add_argument("archive", type=user_path, help="an archive that aevb-weights wrote")
    out.add_argument("names", nargs="*", help="runs of the archive (all)")
    out.add_argument(
        "--output", type=user_path, default=Path("outputs/runs"), help="folder of the run directories (outputs/runs)"
    )
    arguments = parser.parse_args()
    check_trusted(getattr(arguments, "trust", ()))
    action = {"pack": _pack, "list": _list, "unpack": _unpack}[arguments.action]
    return action(arguments)


def _pack(arguments: argparse.Namespace) -> int:
    runs = _finished(arguments.runs)
    check_replaceable(arguments.output, "--output", ARCHIVE)
    without = [run for run in runs.values() if not (run / layout.MODEL).is_file()]
    files = {name: archived_files(run) for name, run in runs.items() if run not in without}
    if without and not arguments.train:
        others = f" and {len(without) - 1} more" if len(without) > 1 else ""
        raise UserError(
            f"{without[0]}{others}: no {layout.MODEL}; allowed: runs with their weights; "
            "try: --train, which trains them again"
        )
    files |= train_again(without, arguments.output_dir, tuple(arguments.trust))
    digest = write_archive(arguments.output, files)
    size = arguments.output.stat().st_size / 1e6
    print(f"{printable(arguments.output)}: {counted(len(files), 'run')}, {size:.1f} MB, sha256 {digest}")
    return 0


def _finished(folders: list[Path]) -> dict[str, Path]:
    """The finished runs by name."""
    runs: dict[str, Path] = {}
    for folder in folders:
        if not os.path.isdir(folder):
            raise UserError(
                f"{folder}: no such folder; allowed: a folder with runs; "
                "try: aevb-train, which makes them in outputs/runs"
            )
        directories = [run for run in run_directories(folder) if state(run) == "done"]
        if not directories:
            raise UserError(
                f"{folder}: no finished runs; allowed: a folder with run directories; try: aevb-status {typed_path(folder)}"
            )
        for run in directories:
            name = run.resolve().name
            if name in runs and runs[name].resolve() != run.resolve():
                raise UserError(f"{run}: a second run of this name, beside {runs[name]}; try: two archives")
            runs[name] = run
    return runs


def _list(arguments: argparse.Namespace) -> int:
    path = arguments.archive
    runs = open_archive(path)
    digest = _checked_sha256(path)
    for run in runs:
        print(printable(f"{run.name}  {', '.join(sorted(run.files))}"))
    print(f"{printable(path)}: {counted(len(runs), 'run')}, sha256 {digest}")
    return 0


def _unpack(arguments: argparse.Namespace) -> int:
    path = arguments.archive
    runs = {run.name: run for run in open_archive(path)}
    _checked_sha256(path)
    wrong = [name for name in arguments.names if name not in runs]
    if wrong:
        raise UserError(
            f"{path}:{wrong[0]}: no such run; allowed: {', '.join(list(runs)[:5])}{', ...' if len(runs) > 5 else ''}; try: aevb-weights list {typed_path(path)}"
        )
    chosen: list[ArchivedRun] = [runs[name] for name in arguments.names] or list(runs.values())
    present = [run.name for run in chosen if (arguments.output / run.name).exists()]
    if present:
        there = arguments.output / present[0]
        raise UserError(f"{there}: exists; allowed: a folder without this run; try: another --output")
    for run in chosen:
        print(printable(unpack(path, run, arguments.output)))
    return 0


def _checked_sha256(path: Path) -> str:
    """The sha256 of the archive, compared with the file beside it if there is one."""
    digest = sha256_of_file(path)
    beside = path.with_name(f"{path.name}.sha256")
    if beside.exists() and read_text(beside, 4096).split()[:1] != [digest]:
        raise UserError(f"{path}: its sha256 is {digest}, not that in {beside}; try: get both files again")
    return digest
