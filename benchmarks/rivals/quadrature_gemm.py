"""The matrix products of `quadrature` and nothing else."""

from benchmarks.benchmark_model import BenchmarkModel
from benchmarks.evaluator_turns import multiply
from benchmarks.gate import Gate
from benchmarks.rivals.quadrature import evaluator

__all__ = ["loop"]


def loop(spec: BenchmarkModel, gate: Gate) -> None:
    """Multiply until the gate closes."""
    multiply(spec, gate, evaluator())
