"""Two runs of a sweep: one process a core with one thread each, against one process with all threads, one run after the other."""

from collections.abc import Callable

from aevb.config import options
from benchmarks.children import cores
from benchmarks.plan import Plan
from benchmarks.results import LEFT_OUT, Goal, Result, Row, not_measured
from benchmarks.rounds import order
from benchmarks.trainee import train

__all__ = ["measure"]

JOBS = 2


def measure(plan: Plan, report_progress: Callable[[str], None]) -> Result:
    """Samples per second of all runs together while they train, and the time of the whole command."""
    goal = Goal("≥", 1.2)
    what = f"throughput of {JOBS} processes x 1 thread / 1 process x {JOBS} threads"
    if cores() < JOBS:
        return Result([not_measured("sweep", what, "one processor", goal)], [])
    if "cores" not in options("hydra/launcher"):
        return Result([not_measured("sweep", what, "there is no hydra/launcher=cores", goal)], [])
    rest = [item for item in plan.run() if not item.startswith("seed=")]
    seeds = f"seed={','.join(map(str, range(JOBS)))}"
    ways = {
        "one a core": [seeds, "hydra/launcher=cores", f"hydra.launcher.cores={JOBS}", "trainer.threads=1"],
        # The second has the rate of the first; only the time of the whole command needs it.
        "one by one": ["seed=0" if plan.brief else seeds, "hydra/launcher=basic", f"trainer.threads={JOBS}"],
    }
    rate: dict[str, list[float]] = {name: [] for name in ways}
    wall: dict[str, list[float]] = {name: [] for name in ways}
    for k in range(plan.rounds):
        for name in order(list(ways), k):
            report_progress(f"sweep, round {k + 1} of {plan.rounds}: {name}")
            runs, seconds = train([*rest, *ways[name]], plan.since, JOBS, flags=["-m"])
            rates = [1 / run.per_sample for run in runs]
            rate[name].append(sum(rates) if name == "one a core" else len(rates) / sum(1 / r for r in rates))
            wall[name].append(seconds.wall)
    throughput = [a / b for a, b in zip(rate["one a core"], rate["one by one"], strict=True)]
    whole = [b / a for a, b in zip(wall["one a core"], wall["one by one"], strict=True)]
    command, note = "the whole command", "start-up and evaluations included"
    last = not_measured("sweep", command, LEFT_OUT) if plan.brief else Row("sweep", command, whole, note=note)
    return Result([Row("sweep", what, throughput, goal=goal), last], [])
