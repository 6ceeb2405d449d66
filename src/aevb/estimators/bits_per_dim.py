r"""Bits per dimension: what a density of grey levels says about the bytes themselves.

x = k/s with k a byte, s = 256. A density p(x) in nats becomes a number about the discrete image in three ways, none of them the
others:

    density      (D ln s - L(x)) / (D ln 2), the number behind "1312.4 nats = 4.62 bits". Not a code length: the density at
                 the grid's points has no ceiling, a variance that shrinks there beats any code
    dequantised  the same with L((k + u)/s), u uniform in [0, 1)^D: by Jensen E_u log p((k + u)/s) - D ln s <= log P(k), the
                 mass that p gives to the cell of k (Theis et al. 2016). So an UPPER bound on the model's bits, in expectation
    discretised  -L_P / (D ln 2) with P(k|z) the Gaussian's mass in the pixel's cell [k/s, (k + 1)/s), the outermost cells
                 absorbing what lies outside [0, 1]: it sums to one over the s levels. Also an upper bound,
                 with the same q(z|x) never above the dequantised one

L is the variational bound (eq. 3) of each. A uniform model has 8 bits. The first two waste the Gaussian's mass outside [0, 1].
Cells begin at k/s, where the paper's data stand: a model trained on the grid is half a level off, which is its own affair.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.special import log_ndtr

from aevb.distributions import DiagonalNormal
from aevb.errors import UserError
from aevb.estimators.bound import bound
from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["BitsEstimate", "bits", "bits_per_dim", "log_mass"]


class BitsEstimate(NamedTuple):
    """Per image, (M,). mass_outside: of p(x|z) beyond [0, 1], mean over pixels."""

    density_bits_per_dim: Tensor
    dequantised_bits_per_dim: Tensor
    discretised_bits_per_dim: Tensor
    mass_outside: Tensor


def bits(log_density: Tensor, data_dim: int, scale: int) -> Tensor:
    """(D ln s - L) / (D ln 2) of a log-density L, in nats, of x = k/s. data_dim: D. scale: s."""
    return math.log2(scale) - log_density / (data_dim * math.log(2))


@torch.no_grad()
def bits_per_dim(model: VAE, x: Tensor, noise: Noise, scale: int = 256) -> BitsEstimate:
    """The three numbers of each row of x (M, D), levels k/s. scale: s. p(x|z) must be a `DiagonalNormal`.

    One draw of u and of z each. Raises UserError where x is not on that grid, or p(x|z) is no density.
    """
    if ((x * scale).round() - x * scale).abs().max() > 1e-3 or x.min() < 0 or x.max() * scale > scale - 0.5:
        raise UserError(
            f"scale={scale}: the targets are not levels 0..{scale - 1} of 1/{scale}; allowed: byte/256 as in data=frey_face; "
            "try: data.scale=256 in training"
        )
    u = noise.uniform(tuple(x.shape), x.dtype)
    density, dequantised = (bound(model, values, noise).bound for values in (x, x + u / scale))
    qz_x = model.encoder(x)
    px_z = model.decoder(qz_x.sample(noise))
    if not isinstance(px_z, DiagonalNormal):
        raise UserError(f"bits per dimension: {type(px_z).__name__} is no density; allowed: a Gaussian p(x|z)")
    kl = qz_x.kl(model.prior())
    discretised = log_mass(px_z, x, scale).sum(-1).to(kl) - kl
    below, above = -px_z.mean / px_z.scale, (px_z.mean - 1) / px_z.scale
    outside = torch.exp(log_ndtr(below)) + torch.exp(log_ndtr(above))
    dim = x.shape[1]
    return BitsEstimate(
        bits(density, dim, scale),
        bits(dequantised, dim, scale),
        -discretised / (dim * math.log(2)),
        outside.mean(-1),
    )


def log_mass(px_z: DiagonalNormal, x: Tensor, scale: int) -> Tensor:
    """log of the mass of each cell [x, x + 1/s), (..., D), float64 on the CPU; the first begins at -inf, the last ends at inf."""
    mean, log_var, x = (tensor.to("cpu", torch.float64) for tensor in (px_z.mean, px_z.log_var, x))
    level = (x * scale).round()
    low = (level / scale - mean) * torch.exp(-0.5 * log_var)
    high = ((level + 1) / scale - mean) * torch.exp(-0.5 * log_var)
    low, high = low.masked_fill(level <= 0, -math.inf), high.masked_fill(level >= scale - 1, math.inf)
    # log(Phi(high) - Phi(low)), from the side on which both are small.
    flip = low > 0
    low, high = torch.where(flip, -high, low), torch.where(flip, -low, high)
    return log_ndtr(high) + torch.log1p(-torch.exp(log_ndtr(low) - log_ndtr(high)))
