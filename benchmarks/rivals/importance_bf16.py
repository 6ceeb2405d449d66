"""As `importance`, with float32 products allowed to go through bfloat16: torch.set_float32_matmul_precision("medium")."""

import torch

from benchmarks.benchmark_model import BenchmarkModel
from benchmarks.gate import Gate
from benchmarks.rivals import importance

__all__ = ["loop"]


def loop(spec: BenchmarkModel, gate: Gate) -> None:
    """The same images, the same noise, other products."""
    torch.set_float32_matmul_precision("medium")
    importance.loop(spec, gate)
