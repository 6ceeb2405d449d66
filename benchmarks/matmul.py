"""Who multiplies matrices: torch as it comes (mostly MKL), or oneDNN, which torch carries too and some processors prefer."""

import torch
from torch import Tensor

__all__ = ["affine", "available", "product", "tanh_affine"]


def available() -> bool:
    """Whether this torch has oneDNN's linear layers."""
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def product(by: str, left: Tensor, right: Tensor, out: Tensor | None) -> Tensor:
    """left right, (..., m, k) (k, n); in `out` where the library can."""
    if by == "onednn":
        return torch.ops.mkldnn._linear_pointwise(left, right.T, None, "none", [], "")
    return torch.matmul(left, right, out=out)


def affine(by: str, x: Tensor, weight: Tensor, bias: Tensor, out: Tensor | None) -> Tensor:
    """x weight' + bias, (m, k) (n, k) (n,); in `out` where the library can."""
    if by == "onednn":
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return torch.addmm(bias, x, weight.T, out=out)


def tanh_affine(by: str, x: Tensor, weight: Tensor, bias: Tensor, out: Tensor | None) -> Tensor:
    """tanh(x weight' + bias); oneDNN applies tanh while the sums are in the cache."""
    if by == "onednn":
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "tanh", [], "")
    return affine(by, x, weight, bias, out).tanh_()
