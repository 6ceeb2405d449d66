"""`aevb-train --estimate`: what is done of a run or a sweep, and how long the rest will take on this machine.

The rates are measured at the moment, by short trials (aevb.execution.cost_worker), not taken from elsewhere.
"""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import DictConfig

from aevb.cli.job import print_error
from aevb.cli.sweep import SweepPoint
from aevb.cli.sweep_report import summary
from aevb.cli.tables import plain_columns
from aevb.console.counts import counted
from aevb.console.duration import duration
from aevb.console.printable import printable
from aevb.errors import UserError
from aevb.execution.cost_queue import Measured, measure_costs
from aevb.execution.queue import available_cores
from aevb.execution.run_cost import RunTime, run_time, wall_seconds
from aevb.runs.status import Row

__all__ = ["print_estimate"]

HEADS = ("run", "state", "samples", "of", "samples/s", "training", "evaluation", "time left")


class _Line(NamedTuple):
    row: Row
    measured: Measured | None  # None: nothing is left to do
    time: RunTime | None  # None: nothing is left, or it is not known


def print_estimate(
    points: list[SweepPoint], launcher: DictConfig | None, trusted: tuple[str, ...], folder: Path
) -> None:
    """Print a line for each run, and the time of all of them.

    Args:
        points: The runs.
        launcher: The node `hydra.launcher` of a sweep; None for a single run.
        trusted: Users' modules that a config may name.
        folder: A temporary folder.

    Raises:
        UserError: If the runs are not known beforehand.
        SystemExit: With 1 if the cost of some runs could not be measured.
    """
    if not points:
        raise UserError("--estimate: the runs of this sweep are not known beforehand; try: hydra/sweeper=basic")
    rows = summary(points, {})
    plans = [point.plan for point in points if point.plan is not None]
    waiting = [index for index, plan in enumerate(plans) if plan.action != "done"]
    start = time.monotonic()
    costs = dict(
        zip(waiting, measure_costs([plans[i].settings for i in waiting], trusted, folder, _begins), strict=True)
    )
    took = time.monotonic() - start
    lines = []
    for index, (row, plan) in enumerate(zip(rows, plans, strict=True)):
        measured = costs.get(index)
        known = None if measured is None or measured.cost is None else measured.cost
        time_left = None if known is None else run_time(plan.settings, row.samples_seen, known)
        lines.append(_Line(row, measured, time_left))
    print("\n".join(plain_columns([HEADS, *map(_cells, lines)], left=2)))
    _print_total(lines, [plan.settings for plan in plans], launcher, took)
    unknown = [line for line in lines if line.measured is not None and line.measured.cost is None]
    for line in unknown:
        assert line.measured is not None
        print_error("aevb-train", f"{line.row.point or line.row.run}: not measured: {line.measured.reason}")
    if unknown:
        sys.exit(1)


def _begins(kinds: int) -> None:
    if kinds:
        many = f"{kinds} kinds of run are" if kinds > 1 else "the run is"
        print(f"{many} tried for a few seconds ...", file=sys.stderr, flush=True)


def _cells(line: _Line) -> tuple[str, ...]:
    row, cost = line.row, line.measured and line.measured.cost
    name = printable(row.point or Path(row.run).name)
    samples = (f"{row.samples_seen:,}", f"{row.max_samples:,}")
    state = "new" if row.state == "missing" else row.state
    if cost is None or line.time is None:
        return (name, state, *samples, "", "", "", "" if line.measured is None else "?")
    parts = (line.time.training, line.time.evaluation, line.time.total)
    return (name, state, *samples, f"{1 / cost.per_sample:,.0f}", *map(duration, parts))


def _print_total(
    lines: Sequence[_Line], settings: Sequence[dict[str, Any]], launcher: DictConfig | None, took: float
) -> None:
    times = [line.time for line in lines if line.time is not None]
    if not times:
        left = sum(line.measured is not None for line in lines)
        what = f"the time of {counted(left, 'run')} is not known" if left else "nothing is left to do"
        print(f"{counted(len(lines), 'run')}, {what}" if len(lines) > 1 else what)
        return
    slots, where = _slots(launcher, [node["trainer"] for node in settings])
    whole = wall_seconds([item.total for item in times], slots)
    training, evaluation = sum(item.training for item in times), sum(item.evaluation for item in times)
    alone = launcher is None and len(settings) == 1 and settings[0]["trainer"]["accelerator"] == "cpu"
    on_one_core = ", less on several cores" if alone and available_cores() > 1 else ""  # the trials have one block
    counts = f"{len(times)} of {len(lines)} runs to train: " if len(lines) > 1 else ""
    print(
        f"{counts}about {duration(whole)} {where}; {duration(training)} of training and {duration(evaluation)} of "
        f"evaluation{on_one_core}; measured in {duration(took)}, at the load of this moment",
        flush=True,
    )
    absent = Counter(
        name for line in lines if line.measured and line.measured.cost for name in line.measured.cost.unknown
    )
    for name, count in absent.items():
        print(
            f"not in it: evaluator={name} of {counted(count, 'run')}, whose time depends on the trained model",
            flush=True,
        )


def _slots(launcher: DictConfig | None, trainers: Sequence[dict[str, Any]]) -> tuple[int, str]:
    # How many of the runs are trained at once, and in words.
    of_cores = launcher is not None and str(launcher._target_).endswith(".CoresLauncher")
    if launcher is not None and of_cores and all(node["accelerator"] == "cpu" for node in trainers):
        width = max(node["devices"] * node["threads"] for node in trainers)
        slots = max(1, int(launcher.get("cores") or available_cores()) // width)
        return slots, f"with {slots} at once" if slots > 1 else "one after another"
    return 1, "one after another" if len(trainers) > 1 else "in all"
