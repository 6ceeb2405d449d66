"""Training the paper's model: aevb beside the loops that people write, and beside the matrix products alone."""

import importlib.util
from collections.abc import Callable
from dataclasses import replace

from benchmarks.children import Method
from benchmarks.matmul import available
from benchmarks.plan import Plan
from benchmarks.results import LEFT_OUT, Goal, Result, Row, Speed, not_measured
from benchmarks.rounds import Taker, ratios, rounds
from benchmarks.trainee import Trainee

__all__ = ["RIVALS", "measure"]

RIVALS = {
    "hand": "hand-written closed-form loop",
    "hand, onednn": "hand-written closed-form loop, products by oneDNN",
    "examples": "pytorch/examples style loop",
    "textbook": "textbook Lightning",
    "lightning_docs": "Lightning as in its documentation",
    "pythae_trainer": "pythae's trainer",
    "jax_scan": "JAX jit + scan",
    "eager": "eager torch loop, data in a tensor",
    "gemm": "matrix products alone",
    "gemm, onednn": "matrix products alone, by oneDNN",
}


def goal(rival: str, threads: int) -> Goal | None:
    """Of aevb's speed over the rival's; for `gemm` of aevb's time over its time."""
    goals = {
        "hand": Goal("≥", 0.95),
        "examples": Goal("≥", 3.0 if threads > 1 else 2.6),
        "textbook": Goal("≥", 1.7),
        "jax_scan": Goal("≥", 1.05, aim=1.15),
        "gemm": Goal("≤", 1.7, aim=1.5),
    }
    return goals.get(rival.partition(",")[0])


def absent(rival: str, brief: bool = False) -> str:
    """Why a rival is not measured here; empty if it is."""
    if brief and (rival.endswith("onednn") or rival in ("eager", "lightning_docs", "pythae_trainer")):
        return LEFT_OUT
    if rival == "pythae_trainer" and not importlib.util.find_spec("pythae"):
        return "not installed: pip install pythae"
    if rival == "jax_scan" and not importlib.util.find_spec("jax"):
        return "not installed: pip install 'aevb[bench]'"
    return "this torch comes without oneDNN" if rival.endswith("onednn") and not available() else ""


def measure(plan: Plan, report_progress: Callable[[str], None]) -> Result:
    """Every rival at every number of threads."""
    parts = [_at(plan, threads, report_progress) for threads in plan.threads]
    return Result([row for part in parts for row in part.rows], [speed for part in parts for speed in part.speeds])


def _method(rival: str, plan: Plan, threads: int) -> Method:
    name, _, backend = rival.partition(", ")
    return Method(name, replace(plan.at(plan.steps), matmul_backend=backend or "torch"), threads)


def _at(plan: Plan, threads: int, report_progress: Callable[[str], None]) -> Result:
    group, m = "training", plan.spec.batch_size
    trainee = Trainee(plan.run(), plan.since, threads)
    takers: dict[str, Taker] = {"aevb": trainee}
    takers |= {name: _method(name, plan, threads) for name in RIVALS if not absent(name, plan.brief)}
    seconds = rounds(takers, plan.rounds, lambda text: report_progress(f"training, {threads} threads, {text}"))
    seconds["aevb"] = [value * m for value in seconds["aevb"]]
    rows = []
    for name, words in RIVALS.items():
        alone = name.startswith("gemm")
        what = f"time of aevb's step / {words}" if alone else f"speed of aevb / {words}"
        if name not in seconds:
            rows.append(not_measured(group, what, absent(name, plan.brief), goal(name, threads), threads))
            continue
        above, below = ("aevb", name) if alone else (name, "aevb")
        values = ratios(seconds[above], seconds[below])
        rows.append(Row(group, what, values, threads=threads, goal=goal(name, threads)))
    rest = [training.rest for training in trainee.taken]
    rows.append(Row(group, "start-up and ending of such a run, not counted above", rest, "s", threads))
    speeds = [Speed(group, RIVALS.get(name, name), values, "step", threads) for name, values in seconds.items()]
    return Result(rows, speeds)
