r"""Calibration of q(z|x): does q say what it claims, judged on data simulated from the model.

Draw z* ~ p(z) and x* ~ p(x|z*). Then z* is a draw of the exact posterior p(z|x*). If q(z|x) is the exact
posterior, z* cannot be told from draws of q(z|x*), which gives three statements with known distributions:

* ranks (simulation-based calibration; Talts, Betancourt, Simpson, Vehtari & Gelman 2018, arXiv 1804.06788):
  among S draws of q, the rank of z*_j, with ties broken at random, is uniform over 0 ... S. A histogram that
  is high at both ends says that q is too narrow, high in the middle that it is too wide, sloped that it is
  biased.
* coverage: the central interval of level a of q(z_j|x*) holds z*_j with probability a.
* TARP (Lemos, Coogan, Hezaveh & Perreault-Levasseur 2023, arXiv 2302.03026), for all dimensions at once: with
  a random reference point r that does not depend on z*, the share f of draws of q that are nearer to r than
  z* is uniform over [0, 1]. Here r ~ p(z).

Each rank and each f is made continuous with a uniform number, (rank + u) / (S + 1), so that it is exactly
uniform over [0, 1] under an exact q, for every S. These statements need p(x, z) and q alone: the pixels of
the data set play no part, and a Bernoulli decoder simulates binary images, whatever its targets are.
Uniform values are necessary and not sufficient: q(z|x) = p(z), which ignores x, is calibrated too.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["CalibrationDraws", "calibration"]


class CalibrationDraws(NamedTuple):
    """The positions of z* among the draws of q, each uniform over [0, 1] if q is exact.

    Attributes:
        ranks: Normalised rank of each latent dimension, (M, J).
        tarp: Share of the draws that are nearer to the reference point, (M,).
    """

    ranks: Tensor
    tarp: Tensor


@torch.no_grad()
def calibration(model: VAE, count: int, noise: Noise, samples: int) -> CalibrationDraws:
    """Simulate data from the model and rank the true z among draws of q(z|x).

    Args:
        model: The model.
        count: Number of simulations, M.
        noise: Source of the draws.
        samples: Number of draws of q per simulation, S.

    Returns:
        The ranks and TARP shares, float64.
    """
    pz = model.prior()
    z = pz.sample(noise, count)
    x = model.decoder(z).sample(noise)
    draws = model.encoder(x).sample(noise, samples)  # (S, M, J)
    reference = pz.sample(noise, count)

    below = _position(draws.lt(z).sum(0), draws.eq(z).sum(0), samples, noise.uniform(z.shape, z.dtype))
    distance, own = (draws - reference).square().sum(-1), (z - reference).square().sum(-1)
    nearer = _position(
        distance.lt(own).sum(0), distance.eq(own).sum(0), samples, noise.uniform((count, 1), z.dtype)[:, 0]
    )
    return CalibrationDraws(below, nearer)


def _position(below: Tensor, equal: Tensor, samples: int, u: Tensor) -> Tensor:
    """(rank + u) / (S + 1), where the rank is uniform among the positions of the equal draws."""
    return (below + (equal + 1) * u.double()) / (samples + 1)
