"""Annealed importance sampling and quadrature, each beside its own matrix products alone."""

from collections.abc import Callable
from dataclasses import replace

from benchmarks.children import Method
from benchmarks.matmul import available
from benchmarks.plan import Plan
from benchmarks.results import LEFT_OUT, Goal, Result, Row, Speed, not_measured
from benchmarks.rounds import ratios, rounds

__all__ = ["METHODS", "measure"]

METHODS = {
    "ais": "annealed importance sampling, 50 temperatures",
    "quadrature": "quadrature, two latent dimensions",
}
PRODUCTS = {"torch": "matrix products alone", "onednn": "matrix products alone, by oneDNN"}
GOAL = Goal("≤", 1.4)
LATENT_DIM = 2  # of quadrature, which takes three at most


def measure(plan: Plan, report_progress: Callable[[str], None]) -> Result:
    """Both evaluators at every number of threads, beside the products of each library."""
    rows: list[Row] = []
    speeds: list[Speed] = []
    backends = [backend for backend in PRODUCTS if backend == "torch" or available()]
    for threads in plan.threads:
        for name, label in METHODS.items():
            what = {backend: f"time of aevb / {PRODUCTS[backend]}: {label}" for backend in backends}
            if plan.brief:
                rows += [not_measured("evaluators", one, LEFT_OUT, GOAL, threads) for one in what.values()]
                continue
            spec = plan.at(plan.images)
            spec = replace(spec, latent_dim=LATENT_DIM) if name == "quadrature" else spec
            products = {one: Method(f"{name}_gemm", replace(spec, matmul_backend=one), threads) for one in backends}
            seconds = rounds(
                {name: Method(name, spec, threads), **products},
                plan.rounds,
                lambda text: report_progress(f"evaluators, {text}"),
            )
            speeds.append(Speed("evaluators", label, seconds[name], "image", threads))
            for backend in backends:
                ratio = ratios(seconds[name], seconds[backend])
                rows.append(Row("evaluators", what[backend], ratio, threads=threads, goal=GOAL))
                speeds.append(
                    Speed("evaluators", f"{label}: its {PRODUCTS[backend]}", seconds[backend], "image", threads)
                )
    return Result(rows, speeds)
