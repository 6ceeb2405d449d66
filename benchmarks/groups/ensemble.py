"""Many members of a sweep in one process, as stacked matrix products: hydra/launcher=ensemble, where aevb has it."""

from collections.abc import Callable

from aevb.config import options
from benchmarks.plan import Plan
from benchmarks.results import LEFT_OUT, Goal, Result, Row, not_measured
from benchmarks.rounds import order
from benchmarks.trainee import train

__all__ = ["available", "measure", "members"]


def available() -> bool:
    """Whether aevb has the launcher."""
    return "ensemble" in options("hydra/launcher")


def measure(plan: Plan, report_progress: Callable[[str], None]) -> Result:
    """Time of all members together over the time of one, per training sample of each."""
    what = f"time of {plan.members} members together / one alone"
    if not available():
        return Result([not_measured("ensemble", what, "there is no hydra/launcher=ensemble")], [])
    if plan.brief:
        return Result([not_measured("ensemble", what, LEFT_OUT)], [])
    return Result([Row("ensemble", what, members(plan, plan.members, report_progress), threads=1)], [])


def members(plan: Plan, count: int, report_progress: Callable[[str], None], gpu: bool = False) -> list[float]:
    """Training time of `count` seeds in one process over that of one, a number a round."""
    rest = [item for item in plan.run() if not item.startswith("seed=")]
    rest += ["trainer.accelerator=gpu"] if gpu else []
    ways = {
        "together": ["hydra/launcher=ensemble", f"seed={','.join(map(str, range(count)))}"],
        "one alone": ["hydra/launcher=basic", "seed=0"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for k in range(plan.rounds):
        for name in order(list(ways), k):
            report_progress(f"ensemble of {count}, round {k + 1} of {plan.rounds}: {name}")
            runs, _ = train([*rest, *ways[name]], plan.since, gpu=gpu, flags=["-m"])
            seconds[name].append(max(run.per_sample for run in runs))
    return [together / alone for together, alone in zip(*seconds.values(), strict=True)]


GPU_GOAL = Goal("≤", 2.0)
"""Of eight members on a GPU."""
