r"""Bits per dimension of a density model of discrete grey levels.

A grey level is x = k/s, with a byte k and s = 256. There are three ways to express a density p(x) in
bits per dimension of the discrete image, and they give different values:

    density      (D ln s - L(x)) / (D ln 2), the conversion behind "1312.4 nats = 4.62 bits". It is
                 not a code length: the density at the grid points is unbounded, so a variance that
                 shrinks there gives fewer bits than any code.
    dequantised  The same with L((k + u)/s), u uniform in [0, 1)^D. By Jensen's inequality
                 E_u log p((k + u)/s) - D ln s <= log P(k), the mass that p gives to the cell of k
                 (Theis et al. 2016). In expectation it is an UPPER bound of the model's bits.
    discretised  -L_P / (D ln 2), where P(k|z) is the mass of the Gaussian in the pixel's cell
                 [k/s, (k + 1)/s). The two outermost cells include the mass outside [0, 1], so P sums
                 to one over the s levels. It is also an upper bound, and with the same q(z|x) it is
                 at most the dequantised value.

L is the variational lower bound (eq. 3) of each. A uniform model has 8 bits. The first two values
lose the mass of the Gaussian outside [0, 1]. A cell begins at k/s, which is the value of the pixel in
the paper's data, so a model trained on these values is shifted by half a level.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.special import log_ndtr

from aevb.distributions import DiagonalNormal
from aevb.errors import UserError
from aevb.estimators.bound import bound, kl_divergence
from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["BitsEstimate", "bits", "bits_per_dim", "check_levels", "log_mass"]


class BitsEstimate(NamedTuple):
    """The bits per dimension of each image.

    Attributes:
        density_bits_per_dim: From the density, (M,).
        dequantised_bits_per_dim: From the dequantised image, (M,).
        discretised_bits_per_dim: From the mass of the pixels' cells, (M,).
        mass_outside: Mass of p(x|z) outside [0, 1], mean over pixels, (M,).
    """

    density_bits_per_dim: Tensor
    dequantised_bits_per_dim: Tensor
    discretised_bits_per_dim: Tensor
    mass_outside: Tensor


def bits(log_density: Tensor, data_dim: int, scale: int) -> Tensor:
    """Convert a log density of x = k/s to bits per dimension, (D ln s - L) / (D ln 2).

    Args:
        log_density: L, (...), nats per image.
        data_dim: Number of pixels, D.
        scale: Number of grey levels, s.

    Returns:
        Bits per dimension, (...).
    """
    return math.log2(scale) - log_density / (data_dim * math.log(2))


def check_levels(x: Tensor, scale: int) -> None:
    """Refuse images that are not on the grid k/s.

    Args:
        x: Images, (M, D).
        scale: Number of grey levels, s.

    Raises:
        UserError: A value is not one of 0, 1/s, ..., (s - 1)/s.
    """
    if len(x) and (
        ((x * scale).round() - x * scale).abs().max() > 1e-3 or x.min() < 0 or x.max() * scale > scale - 0.5
    ):
        raise UserError(
            f"evaluator.bits_per_dim.scale={scale}: the images are not levels 0..{scale - 1} of 1/{scale}; allowed: the "
            "number of levels of data that are levels, as byte/256 of data=frey_face; try: evaluator=bound"
        )


@torch.no_grad()
def bits_per_dim(model: VAE, x: Tensor, noise: Noise, scale: int = 256) -> BitsEstimate:
    """Estimate the three values of bits per dimension of each image, with one draw of u and of z for each.

    Args:
        model: A model whose p(x|z) is a `DiagonalNormal`.
        x: Images with the levels k/s, (M, D).
        noise: Source of the draws.
        scale: Number of grey levels, s.

    Returns:
        The three values for each image.

    Raises:
        UserError: If x is not on the grid k/s, or p(x|z) is not a Gaussian density.
    """
    x, labels = model.split(x)
    check_levels(x, scale)
    u = noise.uniform(tuple(x.shape), x.dtype)
    rows, noisy = torch.cat([x, labels], -1), torch.cat([x + u / scale, labels], -1)
    density, dequantised = (bound(model, values, noise).bound for values in (rows, noisy))
    qz_x = model.encoder(rows)
    z = qz_x.sample(noise)
    px_z = model.decode(z, rows)
    if not isinstance(px_z, DiagonalNormal):
        raise UserError(
            f"bits per dimension: {type(px_z).__name__} is no density; allowed: a Gaussian p(x|z); try: evaluator=bound"
        )
    kl = kl_divergence(qz_x, model.prior(), z[None])
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
    """Return the log mass of p(x|z) in the cell [x, x + 1/s) of each pixel.

    The first cell begins at -inf and the last cell ends at inf.

    Args:
        px_z: p(x|z) over (..., D).
        x: Images with the levels k/s, (..., D).
        scale: Number of grey levels, s.

    Returns:
        The log mass, (..., D), nats, float64 on the CPU.
    """
    mean, log_var, x = (tensor.to("cpu", torch.float64) for tensor in (px_z.mean, px_z.log_var, x))
    level = (x * scale).round()
    low = (level / scale - mean) * torch.exp(-0.5 * log_var)
    high = ((level + 1) / scale - mean) * torch.exp(-0.5 * log_var)
    low, high = low.masked_fill(level <= 0, -math.inf), high.masked_fill(level >= scale - 1, math.inf)
    # log(Phi(high) - Phi(low)), from the side on which both are small.
    flip = low > 0
    low, high = torch.where(flip, -high, low), torch.where(flip, -low, high)
    return log_ndtr(high) + torch.log1p(-torch.exp(log_ndtr(low) - log_ndtr(high)))
