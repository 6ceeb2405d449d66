"""aevb's annealed importance sampling, with few temperatures."""

from aevb.evaluators.ais import AIS
from benchmarks.benchmark_model import BenchmarkModel
from benchmarks.evaluator_turns import evaluate
from benchmarks.gate import Gate

__all__ = ["evaluator", "loop"]

TEMPERATURES = 50  # of 500, the default; the time is proportional to them


def evaluator() -> AIS:
    """The evaluator that is timed."""
    return AIS(temperatures=TEMPERATURES)


def loop(spec: BenchmarkModel, gate: Gate) -> None:
    """The same images over and over."""
    evaluate(spec, gate, evaluator())
