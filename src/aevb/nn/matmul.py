r"""Matrix products in float32 on a processor, by the library that is quick on it.

torch gives them to MKL, which leaves AVX-512 unused on processors that are not Intel's; oneDNN, which torch carries too, does
not: on such a processor a product of the paper's model takes it half the time, in the same arithmetic (float32 throughout, unless
torch.set_float32_matmul_precision allows less). The operator is the one that torch's own compiler emits for linear layers.
"""

from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aevb.errors import UserError

__all__ = ["Linear", "MatmulBackend", "affine", "matmul_backend", "product", "use_matmul_backend"]

MatmulBackend = Literal["auto", "torch", "onednn"]


def _not_intel() -> bool:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "vendor_id" in text and "GenuineIntel" not in text


def _suits() -> bool:
    return _available() and "AVX512" in torch.backends.cpu.get_cpu_capability() and _not_intel()


def _available() -> bool:
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


_onednn = _suits()


def use_matmul_backend(name: MatmulBackend) -> None:
    """Whose products are used from now on; auto: oneDNN's where torch's own are known to be slow. Raises UserError."""
    global _onednn
    if name == "onednn" and not _available():
        raise UserError(
            "trainer.matmul_backend=onednn: this torch comes without it; allowed: auto, torch; try: trainer.matmul_backend=auto"
        )
    _onednn = _suits() if name == "auto" else name == "onednn"


def matmul_backend() -> str:
    """Whose products are used: torch or onednn."""
    return "onednn" if _onednn else "torch"


def product(a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """a b for a (..., n, k), b (..., k, m). out: memory (..., n, m) that may be used for it."""
    if not _quick(a):
        return torch.matmul(a, b, out=out)
    if a.dim() == 2:
        return _linear(a, b.mT, None)
    return torch.stack([product(one, other) for one, other in zip(a, b, strict=True)])


def affine(v: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """v weight' + bias for v (..., n, k), weight (m, k), bias (m,); or one weight and bias for each v: (E, m, k), (E, m)."""
    if weight.dim() == 2:
        return _Affine.apply(v, weight, bias) if _quick(v) else F.linear(v, weight, bias)
    if not _quick(v):
        return torch.baddbmm(bias.unsqueeze(-2), v, weight.mT)
    return torch.stack([_linear(*one) for one in zip(v, weight, bias, strict=True)])


class Linear(nn.Linear):
    """torch's, with these products."""

    def forward(self, input: Tensor) -> Tensor:
        """input (..., in_features) -> (..., out_features)."""
        return affine(input, self.weight, self.bias)


class _Affine(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, v: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(v, weight)
        return _linear(v, weight, bias)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, d: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:  # type: ignore[override]
        v, weight = ctx.saved_tensors
        rows, inputs = d.reshape(-1, d.shape[-1]), v.reshape(-1, v.shape[-1])
        needs_v, needs_weight, needs_bias = ctx.needs_input_grad
        return (
            _linear(rows, weight.mT, None).view_as(v) if needs_v else None,
            _linear(rows.mT, inputs.mT, None) if needs_weight else None,
            rows.sum(0) if needs_bias else None,
        )


def _quick(a: Tensor) -> bool:
    return _onednn and a.dtype == torch.float32 and a.device.type == "cpu"


def _linear(v: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(v, weight, bias, "none", [], "")
