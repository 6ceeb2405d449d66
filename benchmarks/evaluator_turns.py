"""The turns of an evaluator over images, and those of the matrix products that it computes, alone.

The products are recorded while the evaluator runs once, so they are those of the estimator as it is: of a gradient where it
takes gradients, and in the precision that it uses.
"""

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from aevb.evaluators.blocks import run_over
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.nn.torch_settings import keep_freed_memory
from benchmarks.benchmark_model import BenchmarkModel
from benchmarks.gate import Gate
from benchmarks.matmul import product
from benchmarks.trained_model import load_trained

__all__ = ["RecordedProducts", "evaluate", "multiply"]

OPERANDS = {"mm": 0, "bmm": 0, "addmm": 1, "baddbmm": 1, "_linear_pointwise": 0}
"""Position of the first factor among the arguments of each operation that is a matrix product."""

Layout = tuple[torch.Size, tuple[int, ...]]
"""Shape and strides, since a library is slower with some strides than with others."""

Product = tuple[Layout, Layout, torch.dtype]


class RecordedProducts(TorchDispatchMode):
    """Records the layouts of the factors of the matrix products inside the `with` block; `products` has them in order."""

    def __init__(self) -> None:
        super().__init__()
        self.products: list[Product] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if name in OPERANDS:
            a, b = args[OPERANDS[name] : OPERANDS[name] + 2]
            b = b.mT if name == "_linear_pointwise" else b
            self.products.append(((a.shape, a.stride()), (b.shape, b.stride()), a.dtype))
        return func(*args, **(kwargs or {}))


def evaluate(spec: BenchmarkModel, gate: Gate, evaluator: Evaluator) -> None:
    """The same images over and over, `unit` of them a turn."""
    model, x = _begin(spec)
    gate.open()
    while True:
        run_over(evaluator, model, x, spec.seed)
        gate(len(x))


def multiply(spec: BenchmarkModel, gate: Gate, evaluator: Evaluator) -> None:
    """The matrix products of `evaluate` into memory that is there already, by the library that the specification names."""
    model, x = _begin(spec)
    with RecordedProducts() as recorded:
        run_over(evaluator, model, x, spec.seed)
    operands = {one: _operands(one) for one in recorded.products}
    gate.open()
    while True:
        for one in recorded.products:
            a, b, out = operands[one]
            if b.dim() == 2 and a.dtype == torch.float32:  # many matrices, and double precision, by torch as in aevb
                product(spec.matmul_backend, a, b, out)
            else:
                torch.matmul(a, b, out=out)
        gate(len(x))


def _begin(spec: BenchmarkModel) -> tuple[VAE, Tensor]:
    keep_freed_memory()  # as aevb-evaluate does
    return load_trained(spec), torch.from_numpy(spec.dataset().load().test.x[: spec.unit].copy())


def _operands(one: Product) -> tuple[Tensor, Tensor, Tensor]:
    a, b = (torch.empty_strided(*layout, dtype=one[2]).normal_() for layout in one[:2])
    return a, b, a @ b
