"""Importance-sampled log p(x), K draws an image: aevb beside a naive loop over images and the decoder's matrix products alone."""

from collections.abc import Callable
from dataclasses import replace

from benchmarks.children import Method
from benchmarks.matmul import available
from benchmarks.plan import Plan
from benchmarks.results import LEFT_OUT, Goal, Result, Row, Speed, not_measured
from benchmarks.rounds import ratios, rounds

__all__ = ["METHODS", "measure"]

METHODS = {
    "importance": "aevb",
    "importance_naive": "naive loop over images",
    "importance_gemm": "matrix products alone",
    "importance_gemm, onednn": "matrix products alone, by oneDNN",
    "importance_bf16": "aevb, products in bfloat16",
}


def measure(plan: Plan, report_progress: Callable[[str], None]) -> Result:
    """Every method at every number of threads."""
    parts = [_at(plan, threads, report_progress) for threads in plan.threads]
    return Result([row for part in parts for row in part.rows], [speed for part in parts for speed in part.speeds])


def _method(method: str, plan: Plan, threads: int) -> Method:
    name, _, backend = method.partition(", ")
    return Method(name, replace(plan.at(plan.images), matmul_backend=backend or "torch"), threads)


def _absent(method: str, plan: Plan) -> bool:
    onednn = method.endswith("onednn")
    return (onednn and not available()) or (plan.brief and (onednn or method == "importance_bf16"))


def _shift(exact: list[float], short: list[float]) -> str:
    shifts = [b - a for a, b in zip(exact, short, strict=True)]
    mean, largest = sum(shifts) / len(shifts), max(map(abs, shifts))
    return f"shift of log p(x): mean {mean:+.4f}, largest {largest:.4f} nat, {len(shifts)} images"


def _at(plan: Plan, threads: int, report_progress: Callable[[str], None]) -> Result:
    group, k = "importance", plan.spec.samples
    methods = {name: _method(name, plan, threads) for name in METHODS if not _absent(name, plan)}
    seconds = rounds(
        methods, plan.rounds, lambda text: report_progress(f"importance sampling, {threads} threads, {text}")
    )
    aevb = seconds["importance"]
    what = f"speed with products in bfloat16 / float32, K = {k}"
    naive = ratios(seconds["importance_naive"], aevb)
    alone = {name: ratios(aevb, values) for name, values in seconds.items() if name.startswith("importance_gemm")}
    if "importance_bf16" in methods:
        shift = _shift(methods["importance"].facts["log_px"], methods["importance_bf16"].facts["log_px"])
        bf16 = Row(group, what, ratios(aevb, seconds["importance_bf16"]), threads=threads, note=shift)
    else:
        bf16 = not_measured(group, what, LEFT_OUT, threads=threads)
    rows = [
        Row(group, f"speed of aevb / naive loop over images, K = {k}", naive, threads=threads, goal=Goal("≥", 1.6)),
        *(
            Row(group, f"time of aevb / {METHODS[name]}, K = {k}", values, threads=threads, goal=Goal("≤", 1.8))
            for name, values in alone.items()
        ),
        bf16,
    ]
    speeds = [Speed(group, METHODS[name], values, "image", threads) for name, values in seconds.items()]
    return Result(rows, speeds)
