r"""The matrix products of a step and nothing else: what no implementation in float32 on these libraries can go below.

For each layer y = x W' with x (M, a), W (b, a): x W' forwards, dy' x for its weights and dy W for its input backwards; the first
layer's input needs no gradient. Mean and log-variance are one layer.
"""

import torch

from benchmarks.benchmark_model import BenchmarkModel
from benchmarks.gate import Gate
from benchmarks.matmul import product

__all__ = ["flops", "layers", "loop"]


def layers(spec: BenchmarkModel) -> list[tuple[int, int]]:
    """(inputs, outputs) of every layer, in order."""
    j, h, d = spec.latent_dim, spec.hidden_dim, spec.dataset().dim
    return [(d, h), (h, 2 * j), (j, h), (h, d)]


def flops(spec: BenchmarkModel) -> int:
    """Operations of a step, a multiplication and an addition counted as two."""
    (first, *rest), m = [a * b for a, b in layers(spec)], spec.batch_size
    return 2 * m * (2 * first + 3 * sum(rest))


def loop(spec: BenchmarkModel, gate: Gate) -> None:
    """Multiply until the gate closes."""
    generator = torch.Generator().manual_seed(spec.seed)
    normal = lambda *shape: torch.randn(shape, generator=generator)  # noqa: E731
    forwards, backwards = [], []
    for k, (a, b) in enumerate(layers(spec)):
        x, w, dy = normal(spec.batch_size, a), normal(b, a), normal(spec.batch_size, b)
        forwards.append((x, w.T, torch.empty_like(dy)))
        backwards.append((dy.T, x, torch.empty_like(w)))
        if k > 0:
            backwards.append((dy, w, torch.empty_like(x)))
    gate.open()
    while True:
        for left, right, out in (*forwards, *backwards[::-1]):
            product(spec.matmul_backend, left, right, out)
        gate()
