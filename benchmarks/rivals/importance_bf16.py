"""As `importance`, with float32 products allowed to go through bfloat16: torch.set_float32_matmul_precision("medium")."""

import torch

from benchmarks.gate import Gate
from benchmarks.recipe import BenchmarkModel
from benchmarks.rivals import importance

__all__ = ["loop"]


def loop(recipe: BenchmarkModel, gate: Gate) -> None:
    """The same images, the same noise, other products."""
    torch.set_float32_matmul_precision("medium")
    importance.loop(recipe, gate)
