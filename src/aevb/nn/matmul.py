r"""Matrix products in float32 on the CPU, by the faster of MKL and oneDNN.

torch uses MKL, which does not use AVX-512 on processors of other makers than Intel. oneDNN, which
is part of torch too, does: where the vector units are 512 bits wide, it computes the products of the
paper's model in half the time, with the same arithmetic (float32 throughout, unless
torch.set_float32_matmul_precision allows less). The operator is the one that torch's compiler emits
for linear layers. It can apply tanh to the result while that is in the cache, in a tenth of the time
of torch.tanh on such a processor: 10 instead of 105 microseconds for 100 x 500 units. A call of it
takes 12 microseconds more than one of torch, so small products stay with torch.
"""

from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aevb.errors import UserError

__all__ = ["Linear", "MatmulBackend", "affine", "matmul_backend", "product", "tanh_affine", "use_matmul_backend"]

SMALL = 2**20
"""Multiplications up to which a product takes less time in torch."""
TANH = 50
"""Multiplications that take as long as torch.tanh of one number."""

MatmulBackend = Literal["auto", "torch", "onednn"]
_Function = Literal["none", "tanh"]


def _not_intel() -> bool:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return "vendor_id" in text and "GenuineIntel" not in text


def _onednn_is_faster() -> bool:
    return _available() and "AVX512" in torch.backends.cpu.get_cpu_capability() and _not_intel()


def _available() -> bool:
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


_onednn = _onednn_is_faster()


def use_matmul_backend(name: MatmulBackend) -> None:
    """Choose the library of the matrix products that follow; small ones stay with torch.

    Args:
        name: "torch" (MKL), "onednn", or "auto": oneDNN where MKL is known to be slow.

    Raises:
        UserError: oneDNN is not available.
    """
    global _onednn
    if name == "onednn" and not _available():
        raise UserError(
            "trainer.matmul_backend=onednn: this build of torch has no oneDNN; allowed: auto, torch; "
            "try: trainer.matmul_backend=auto"
        )
    _onednn = _onednn_is_faster() if name == "auto" else name == "onednn"


def matmul_backend() -> str:
    """Return the library in use, "torch" or "onednn"."""
    return "onednn" if _onednn else "torch"


def product(a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """Return the matrix product a b.

    Args:
        a: Matrices, (..., n, k).
        b: Matrices, (..., k, m).
        out: Tensor, (..., n, m), that may be overwritten with the result.

    Returns:
        The product, (..., n, m).
    """
    if not _uses_onednn(a, a.shape[-2], b.shape[-1]):
        return torch.matmul(a, b, out=out)
    if a.dim() == 2:
        return _linear(_dense(a), _dense(b).mT, None)
    return torch.stack([product(one, other) for one, other in zip(a, b, strict=True)])


def affine(v: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return v weight' + bias.

    Args:
        v: Inputs, (..., n, k), or (E, n, k) for E layers.
        weight: Weights, (m, k), or (E, m, k).
        bias: Biases, (m,), or (E, m).

    Returns:
        The outputs, (..., n, m) or (E, n, m).
    """
    return _layer(v, weight, bias, "none")


def tanh_affine(v: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return tanh(v weight' + bias).

    Args:
        v: Inputs, (..., n, k), or (E, n, k) for E layers.
        weight: Weights, (m, k), or (E, m, k).
        bias: Biases, (m,), or (E, m).

    Returns:
        The outputs, (..., n, m) or (E, n, m).
    """
    return _layer(v, weight, bias, "tanh")


class Linear(nn.Linear):
    """A linear layer like torch.nn.Linear whose products use the chosen library."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the outputs, (..., out_features), of the inputs, (..., in_features).

        Args:
            input: The inputs, (..., in_features).
        """
        return affine(input, self.weight, self.bias)


class _Affine(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, v: Tensor, weight: Tensor, bias: Tensor, function: _Function) -> Tensor:
        y = _linear(v, weight, bias, function)
        ctx.save_for_backward(v, weight, *([y] if function == "tanh" else []))
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, d: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        v, weight, *outputs = ctx.saved_tensors
        if outputs:
            d = torch.ops.aten.tanh_backward(d, *outputs)
        rows, inputs = d.reshape(-1, d.shape[-1]), v.reshape(-1, v.shape[-1])
        needs_v, needs_weight, needs_bias, _ = ctx.needs_input_grad
        return (
            product(rows, weight).view_as(v) if needs_v else None,
            product(rows.mT, inputs) if needs_weight else None,
            rows.sum(0) if needs_bias else None,
            None,
        )


def _dense(matrix: Tensor) -> Tensor:
    # oneDNN multiplies some columns of a larger matrix by a loop that is hundreds of times slower.
    return matrix if matrix.is_contiguous() or matrix.mT.is_contiguous() else matrix.contiguous()


def _uses_onednn(v: Tensor, rows: int, columns: int, function: _Function = "none") -> bool:
    if not _onednn or v.dtype != torch.float32 or v.device.type != "cpu":
        return False
    return rows * columns * (v.shape[-1] + TANH * (function == "tanh")) > SMALL


def _layer(v: Tensor, weight: Tensor, bias: Tensor, function: _Function) -> Tensor:
    one_layer = weight.dim() == 2
    rows = v.numel() // v.shape[-1] if one_layer else v.shape[-2]
    if not _uses_onednn(v, rows, weight.shape[-2], function):
        y = F.linear(v, weight, bias) if one_layer else torch.baddbmm(bias.unsqueeze(-2), v, weight.mT)
        return y.tanh_() if function == "tanh" else y
    if not one_layer:
        return torch.stack([_linear(*one, function) for one in zip(v, weight, bias, strict=True)])
    if torch.is_grad_enabled():
        return _Affine.apply(v, weight, bias, function)
    return _linear(v, weight, bias, function)  # without the time that a Function of autograd takes


def _linear(v: Tensor, weight: Tensor, bias: Tensor | None, function: _Function = "none") -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(v, weight, bias, function, [], "")
