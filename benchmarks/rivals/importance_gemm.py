"""The matrix products of importance sampling and nothing else: K draws of an image through the decoder, 1000 rows at once."""

import torch

from benchmarks.benchmark_model import BenchmarkModel
from benchmarks.gate import Gate
from benchmarks.matmul import product

__all__ = ["loop"]

ROWS = 1000


def loop(spec: BenchmarkModel, gate: Gate) -> None:
    """Multiply until the gate closes."""
    generator = torch.Generator().manual_seed(spec.seed)
    j, h, d = spec.latent_dim, spec.hidden_dim, spec.dataset().dim
    normal = lambda *shape: torch.randn(shape, generator=generator)  # noqa: E731
    rows = min(ROWS, spec.samples)
    z, g, w3, w4 = normal(rows, j), normal(rows, h), normal(h, j), normal(d, h)
    hidden, logits = torch.empty(rows, h), torch.empty(rows, d)
    gate.open()
    while True:
        for start in range(0, spec.samples, rows):
            k = min(rows, spec.samples - start)
            product(spec.matmul_backend, z[:k], w3.T, hidden[:k])
            product(spec.matmul_backend, g[:k], w4.T, logits[:k])
        gate()
