"""Annealed importance sampling and quadrature, each beside its own matrix products alone."""

from collections.abc import Callable
from dataclasses import replace

from benchmarks.children import Method
from benchmarks.plan import Plan
from benchmarks.results import LEFT_OUT, Goal, Result, Row, Speed, not_measured
from benchmarks.rounds import ratios, rounds

__all__ = ["METHODS", "measure"]

METHODS = {
    "ais": "annealed importance sampling, 50 temperatures",
    "ais_gemm": "its matrix products alone",
    "quadrature": "quadrature, two latent dimensions",
    "quadrature_gemm": "its matrix products alone",
}
GOAL = Goal("≤", 1.4)
LATENT_DIM = 2  # of quadrature, which takes three at most


def measure(plan: Plan, report_progress: Callable[[str], None]) -> Result:
    """Both evaluators at every number of threads."""
    rows: list[Row] = []
    speeds: list[Speed] = []
    for threads in plan.threads:
        for name in ("ais", "quadrature"):
            what = f"time of aevb / matrix products alone: {METHODS[name]}"
            if plan.brief:
                rows.append(not_measured("evaluators", what, LEFT_OUT, GOAL, threads))
                continue
            spec = plan.at(plan.images)
            spec = replace(spec, latent_dim=LATENT_DIM) if name == "quadrature" else spec
            methods = {one: Method(one, spec, threads) for one in (name, f"{name}_gemm")}
            seconds = rounds(methods, plan.rounds, lambda text: report_progress(f"evaluators, {text}"))
            rows.append(Row("evaluators", what, ratios(*seconds.values()), threads=threads, goal=GOAL))
            for one, values in seconds.items():
                label = METHODS[one] if one == name else f"{METHODS[name]}: {METHODS[one]}"
                speeds.append(Speed("evaluators", label, values, "image", threads))
    return Result(rows, speeds)
