"""Does a run come out again? It is executed once more from its own config, in a folder of its own, and compared bit by bit."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aevb import runs
from aevb.cli.arguments import Arguments, run_command, run_path
from aevb.cli.flags import check_trusted
from aevb.config import allowed
from aevb.config.messages import TRUST
from aevb.config.tree import targets_in
from aevb.config.value_types import InvalidValue, Number
from aevb.console.counts import counted
from aevb.console.printable import printable
from aevb.errors import UserError
from aevb.execution import pool
from aevb.execution.worker_command import WorkerCommand
from aevb.runs import layout
from aevb.runs.comparison import environments, rows
from aevb.runs.data_record import check_data_root, check_same_data, located
from aevb.runs.origin import check_origin
from aevb.runs.run_data import read_data
from aevb.runs.scratch import scratch
from aevb.runs.settings import NO_LOGGER
from aevb.types import Range

__all__ = ["faults", "verify"]


def verify() -> None:
    """aevb-verify RUN: executes a run again from its config and compares rows and weights bit by bit; exit code 0 or 1."""
    run_command("aevb-verify", _verify)


def _verify() -> int:
    parser = Arguments("aevb-verify", description=verify.__doc__, allow_abbrev=False)
    parser.add_argument("run", type=run_path, help="run directory")
    parser.add_argument("--samples", metavar="N", help="only the run's first N samples: rows up to there")
    parser.add_argument(
        "--trust", action="append", default=[], metavar="MODULE", help="a module of yours that the config may name"
    )
    parser.add_argument("--data-root", metavar="PATH", help="folder or file of the data, if not where the run had them")
    arguments = parser.parse_args()
    check_trusted(arguments.trust)
    settings = runs.read_settings(arguments.run)
    before = rows(arguments.run)
    _check_targets(arguments.run, settings, tuple(arguments.trust))
    check_data_root(arguments.data_root, [settings["data"]], "--data-root ")
    data = located(arguments.run, settings["data"], arguments.data_root)
    _check_data(arguments.run, settings, data, tuple(arguments.trust))
    check_origin(settings)
    if not before:
        raise UserError(f"{arguments.run}: no rows in {layout.METRICS} yet; try: the aevb-train command that began it")
    end = runs.Run(arguments.run).done["samples_seen"] if runs.state(arguments.run) == "done" else max(before)
    samples = end if arguments.samples is None else _number(arguments.samples, min(before), end)
    with scratch() as folder:
        again = folder / arguments.run.resolve().name
        short = {**settings, "max_samples": samples, "output_dir": str(folder), "logger": NO_LOGGER, "max_time": None}
        short["data"] = data
        runs.prepare(again, short)
        print(f"{printable(arguments.run)}: executing again to {samples:,} samples", flush=True)
        _execute(again, tuple(arguments.trust))
        lines = list(faults(arguments.run, again))
        points = sorted(before.keys() & rows(again).keys())
    for line in lines:
        print(printable(line))
    if lines:
        print(f"{printable(arguments.run)}: did not come out the same")
        return 1
    whole = samples >= end and (arguments.run / layout.MODEL).is_file()
    print(
        f"{printable(arguments.run)}: {counted(len(points), 'row')} to {points[-1]:,} samples{' and the weights' if whole else ''} equal bit by bit"
    )
    return 0


def _check_targets(run: Path, settings: dict[str, Any], trusted: tuple[str, ...]) -> None:
    # The second execution would name its own folder, which is gone when the message is read.
    for target in targets_in({**settings, "logger": NO_LOGGER}):
        if not allowed(target, trusted):
            raise UserError(
                f"{run}: _target_={target}: not a target that a config may name; allowed: the targets in aevb's conf/; "
                f"try: {TRUST.partition(' on the command line')[0]}, for a module of your own"
            )


def _check_data(run: Path, settings: dict[str, Any], data: dict[str, Any], trusted: tuple[str, ...]) -> None:
    # Other data are the cause of other results, so they are named before anything is executed.
    if (run / layout.DATA).exists():
        path = data.get("path")
        if isinstance(path, str) and not os.path.exists(path):
            raise UserError(
                f"{path}: no such file or folder, and the run {run} was trained on it; allowed: the same content at any "
                "place; try: --data-root PATH, its path now"
            )
        hashes = read_data({**settings, "data": data}, trusted).hashes
        check_same_data(run, hashes, data, "restore them, or --data-root PATH that has them")


def _number(text: str, first: int, end: int) -> int:
    kind = Number(True, Range(first, end))
    try:
        value: Any = float(text)
    except ValueError:
        value = text
    try:
        return int(kind.read(value))
    except InvalidValue as problem:
        raise UserError(f"--samples {text}: {problem}; allowed: {kind}; try: --samples {end}") from problem


def _execute(directory: Path, trusted: tuple[str, ...]) -> None:
    # Threads are counted when torch is loaded, so a process of its own.
    code = pool.run_worker(WorkerCommand.of(directory, runs.read_settings(directory), trusted))
    if code:  # 2: the process has printed why
        raise UserError("" if code == 2 else f"the second execution ended with exit code {code}")


def faults(run: Path, again: Path) -> Iterator[str]:
    """Compare a second execution with the run.

    Args:
        run: The run directory.
        again: The directory of the second execution.

    Yields:
        One line per difference: the environment (only if results differ), the rows, the weights.
    """
    wrong = [*_rows(run, again), *_weights(run, again)]
    if wrong:
        one, other = environments(run, again)
        for key in dict.fromkeys([*one, *other]):
            if one.get(key) != other.get(key):
                yield f"{key}: was {one.get(key, 'absent')}, is {other.get(key, 'absent')}"
    yield from wrong


def _rows(run: Path, again: Path) -> Iterator[str]:
    before, now = rows(run), rows(again)
    end = max(now, default=0)
    common = sorted(before.keys() & now.keys())
    lost = [point for point in before if point <= end and point not in now]
    if not common or lost:
        yield f"{layout.METRICS}: {f'no row at {lost[0]:,} samples' if lost else 'no row in common'}"
    for point in common:
        apart = [name for name in before[point] if before[point][name] != now[point].get(name)]
        if apart:
            values = ", ".join(f"{name} was {before[point][name]}, is {now[point].get(name)}" for name in apart)
            yield f"{layout.METRICS}: first differs at {point:,} samples: {values}"
            return


def _weights(run: Path, again: Path) -> Iterator[str]:
    ends = [runs.Run(one).done["samples_seen"] if runs.state(one) == "done" else None for one in (run, again)]
    if ends[0] != ends[1] or not (run / layout.MODEL).is_file():
        return  # a prefix: its weights were never written
    from aevb.evaluation.weights_equal import weight_differences  # imports torch: only once the arguments are valid

    yield from weight_differences(run / layout.MODEL, again / layout.MODEL)
