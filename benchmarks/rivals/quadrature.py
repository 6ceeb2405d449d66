"""aevb's quadrature over two latent dimensions."""

from aevb.evaluators.quadrature import Quadrature
from benchmarks.benchmark_model import BenchmarkModel
from benchmarks.evaluator_turns import evaluate
from benchmarks.gate import Gate

__all__ = ["evaluator", "loop"]


def evaluator() -> Quadrature:
    """The evaluator that is timed."""
    return Quadrature()


def loop(spec: BenchmarkModel, gate: Gate) -> None:
    """The same images over and over."""
    evaluate(spec, gate, evaluator())
