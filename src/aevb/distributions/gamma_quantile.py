r"""The inverse CDF of the Gamma distribution as a differentiable function, which has no closed form.

    z = F^{-1}(u; a),   z ~ Gamma(a, 1) where u is uniform
    dz/da = (F^{-1}(u; a + h) - F^{-1}(u; a - h)) / 2 h,   h = 1e-5 a

The inverse is scipy's, in float64; the difference is right to about nine digits, more than a float32 holds. No gradient goes
to u. On the CPU: numbers of another device make the way there and back.
"""

from typing import Any

import torch
from scipy.special import gammaincinv
from torch import Tensor

__all__ = ["gamma_quantile"]

STEP = 1e-5


class _GammaQuantile(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, concentration: Tensor, u: Tensor) -> Tensor:
        a, p = concentration.detach().cpu().double().numpy(), u.cpu().double().numpy()
        high, low = gammaincinv(a * (1 + STEP), p), gammaincinv(a * (1 - STEP), p)
        slope = torch.as_tensor((high - low) / (2 * STEP * a))
        ctx.save_for_backward(slope.to(concentration))
        return torch.as_tensor(gammaincinv(a, p)).to(concentration)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (slope,) = ctx.saved_tensors
        return gradients[0] * slope, None


def gamma_quantile(concentration: Tensor, u: Tensor) -> Tensor:
    """z with P(Gamma(concentration, 1) <= z) = u, in float64; concentration, u: of one shape, u in (0, 1)."""
    return _GammaQuantile.apply(concentration.double(), u)
