"""The matrix products of importance sampling and nothing else: K draws of an image through the decoder, 1000 rows at once."""

import torch

from benchmarks.gate import Gate
from benchmarks.products import product
from benchmarks.recipe import BenchmarkModel

__all__ = ["loop"]

ROWS = 1000


def loop(recipe: BenchmarkModel, gate: Gate) -> None:
    """Multiplies until it is told to stop."""
    generator = torch.Generator().manual_seed(recipe.seed)
    j, h, d = recipe.latent_dim, recipe.hidden_dim, recipe.dataset().dim
    normal = lambda *shape: torch.randn(shape, generator=generator)  # noqa: E731
    rows = min(ROWS, recipe.samples)
    z, g, w3, w4 = normal(rows, j), normal(rows, h), normal(h, j), normal(d, h)
    hidden, logits = torch.empty(rows, h), torch.empty(rows, d)
    gate.open()
    while True:
        for start in range(0, recipe.samples, rows):
            k = min(rows, recipe.samples - start)
            product(recipe.products, z[:k], w3.T, hidden[:k])
            product(recipe.products, g[:k], w4.T, logits[:k])
        gate()
