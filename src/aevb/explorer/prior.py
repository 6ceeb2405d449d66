r"""The prior of the page: N(0, I), or a mixture of normal distributions with fixed parameters.

    p(z) = sum_k pi_k N(z; mu_k, diag s_k^2)

A VampPrior is such a mixture as well: its components are q(z|u_k), which do not change after training. So the page
carries pi, mu and log s^2 of both kinds of trained prior, in single precision, and no pseudo-inputs.

KL(q || p) has no closed form for a mixture. It is estimated from the draws of the bound, as in training
(`aevb.estimators.bound`), and that of one dimension is the KL divergence from its marginal
(`aevb.estimators.mixture_kl`).
"""

import numpy as np
import torch
from torch import Tensor, nn

from aevb.distributions.normal import DiagonalNormal
from aevb.distributions.normal_mixture import NormalMixture
from aevb.models.mixture_prior import MixturePrior
from aevb.models.vae import VAE

__all__ = ["GRID_RADIUS", "frame", "grid_radius", "page_prior"]

GRID_RADIUS = 8.0
"""Half the side of the lattice that log p(x) is summed over, as of the reference: q does not say how far p(z|x) goes."""
SIGMAS = 2.5
"""Standard deviations of a component that the plane shows."""
MARGIN = 0.25
"""Between a posterior mean and the edge of the plane."""


@torch.no_grad()
def page_prior(model: VAE) -> nn.Module:
    """Return the prior with the parameters that the page carries, in float64.

    Args:
        model: The model.
    """
    pz = model.prior()
    if not isinstance(pz, NormalMixture):
        return model.prior
    prior = MixturePrior(pz.components.mean.shape[-1], len(pz.logits)).double()
    stored = (pz.weights.log(), pz.components.mean, pz.components.log_var)
    for parameter, value in zip((prior.logits, prior.mean, prior.log_var), stored, strict=True):
        parameter.copy_(value.float())
    return prior


def grid_radius(pz: DiagonalNormal | NormalMixture) -> float:
    """Return half the side of the lattice: more than GRID_RADIUS for a mixture that reaches further, as in `quadrature`.

    Args:
        pz: The prior.
    """
    return max(GRID_RADIUS, pz.reach) if isinstance(pz, NormalMixture) else GRID_RADIUS


def frame(mean: Tensor, pz: DiagonalNormal | NormalMixture) -> tuple[list[float], float]:
    """Choose the part of the latent space that the page shows: the square or cube |z_j - c_j| <= r.

    Args:
        mean: Posterior means, (n, J).
        pz: The prior.

    Returns:
        c and r in steps of 1/2, with 4 <= r <= GRID_RADIUS around 0 for N(0, I). For a mixture all posterior means and the
        greater part of each component, wherever they lie.
    """
    if not isinstance(pz, NormalMixture):
        extent = mean.abs().max().item() + MARGIN
        return [0.0] * mean.shape[-1], float(min(GRID_RADIUS, max(4.0, np.ceil(2 * extent) / 2)))
    parts = pz.components
    low = torch.minimum(mean.amin(0) - MARGIN, (parts.mean - SIGMAS * parts.scale).amin(0))
    high = torch.maximum(mean.amax(0) + MARGIN, (parts.mean + SIGMAS * parts.scale).amax(0))
    centre = torch.round(low + high) / 2
    extent = torch.maximum(high - centre, centre - low).max().item()
    return centre.tolist(), float(np.ceil(2 * extent) / 2)
