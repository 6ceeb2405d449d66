r"""The paper's marginal likelihood estimator (appendix D), for few latent dimensions.

    1. draw z_1 .. z_L from p(z|x) with Hamiltonian Monte Carlo
    2. fit a density q(z) to the first half of them
    3. 1/p(x) ~ mean over the second half of q(z_l) / (p(z_l) p(x|z_l))

With exact posterior draws the mean is unbiased for 1/p(x), so by Jensen the estimate of log p(x) is a stochastic UPPER bound.
Its variance is finite only where q has lighter tails than the posterior. The bound is one only if the chains are at the
posterior: those that stay in a mode with a share s of it estimate log p(x) + log s, and err LOW without a sign of it. That
happens to the paper's procedure, one chain an image (here chains=1, temperatures=0, from a draw of the encoder's q(z|x)),
whose halves are not independent either. By default ten chains begin at draws of annealed chains from the prior, which find
the modes, and q is fitted to the draws of five of them and averaged over those of the others. What the annealing got wrong
about the shares of the modes is common to both, which pulls low by about one over its effective sample size; halves annealed
apart would find different modes now and then, and err by hundreds of nats.

Three densities are fitted, to the same draws:
    Gaussian    with their mean and covariance: the best of a posterior with one mode, by an order of magnitude
    KDE         of Gaussian kernels, Scott's bandwidth n^(-1/(J+4)) times the root of the covariance (the authors', 2013)
    validated   the same, of ten bandwidths Scott e^((i-5)/2) the one under which the second half of these draws predicts the
                first best (the authors', 2014); of several modes the only one that fits them
A q that has mass where the posterior has none, as the first two have between two modes, errs high by the share of it. With 25
exact draws a half from one mode in 2, 3, 5 dimensions the Gaussian is .01, .01, .03 high, the validated KDE .05, .11, .36:
the paper's limit to fewer than five.

The authors tune the step size while they draw, which changes what is drawn from; here it is adapted first and then frozen. Cost:
(temperatures + warm-up) leapfrogs gradients a chain, leapfrogs a sample, and L^2 / 4 kernels.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from aevb.distributions.base import LOG_2PI
from aevb.estimators.ais import posterior_draws
from aevb.estimators.model_queries import prior_of
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.samplers.hmc import chains_at, hmc
from aevb.samplers.step_size import warm_up

__all__ = ["ReciprocalEstimate", "gaussian", "kde", "reciprocal", "validated_kde"]

TARGET = 0.9  # acceptance, appendix E
FIRST_STEP = 0.05
RIDGE = 1e-6  # of the mean variance, for draws that lie in a plane


class ReciprocalEstimate(NamedTuple):
    """Per image, (M,), float64.

    log_px, log_px_kde, log_px_validated: nats, stochastic upper bounds, by a Gaussian and two kernel densities.
    effective_samples, monte_carlo_error: of the Gaussian's, by the delta method as if draws were independent. acceptance: of all
    chains.
    """

    log_px: Tensor
    log_px_kde: Tensor
    log_px_validated: Tensor
    effective_samples: Tensor
    monte_carlo_error: Tensor
    acceptance: Tensor


def reciprocal(
    model: VAE,
    x: Tensor,
    noise: Noise,
    samples: int = 50,
    leapfrogs: int = 4,
    chains: int = 10,
    temperatures: int = 200,
    warm_up_samples: int = 50,
) -> ReciprocalEstimate:
    """log p(x) of each row of x (M, D) from above, by appendix D.

    samples: L, draws of all chains of an image together (rounded up to as many of each), half to fit and half to average.
    leapfrogs: of a trajectory. The paper has 50 and 4. chains: an image; with one the halves are its first and its second.
    temperatures: of the annealing before, 0: chains begin at draws of q(z|x), or of p(z) where a model has no encoder.
    warm_up_samples: trajectories after it, which adapt the step size to an acceptance of 0.9.
    """

    def log_joint(z: Tensor) -> Tensor:
        return model.log_joint(x, z)

    start = posterior_draws(model, x, noise, temperatures, chains) if temperatures else _begun(model, x, noise, chains)
    step = torch.full_like(start[0, :, 0], FIRST_STEP)
    at, step = warm_up(log_joint, chains_at(log_joint, start), step, leapfrogs, noise, warm_up_samples, TARGET)
    z, log_p, rates = [], [], []
    each = math.ceil(samples / chains)
    for _ in range(each):
        at, acceptance, _ = hmc(log_joint, at, step, leapfrogs, noise)
        z.append(at.position)
        log_p.append(at.log_density)
        rates.append(acceptance.mean(0))
    # Chain after chain, so that the halves share none (or are the halves of the only one).
    draws, log_joints = (torch.stack(item, 1).flatten(0, 1).to("cpu", torch.float64) for item in (z, log_p))
    half = each * math.ceil(chains / 2) if chains > 1 else each // 2
    rate = torch.stack(rates).mean(0).to("cpu", torch.float64)
    return _estimate(draws[:half], draws[half:], log_joints[half:], rate)


@torch.no_grad()
def _begun(model: VAE, x: Tensor, noise: Noise, chains: int) -> Tensor:
    q = model.encoder(x) if model.has_encoder else prior_of(model, x)
    return q.sample(noise, chains)


def _estimate(fitted: Tensor, averaged: Tensor, log_joint: Tensor, acceptance: Tensor) -> ReciprocalEstimate:
    """From draws (L/2, M, J) that q is fitted to, and others with their log p(x, z) (L/2, M) that are averaged."""
    log_ratio = gaussian(fitted, averaged) - log_joint
    log_ratio_kde = kde(fitted, averaged) - log_joint
    log_ratio_validated = validated_kde(fitted, averaged) - log_joint
    inverse_ess = torch.exp((2 * log_ratio).logsumexp(0) - 2 * log_ratio.logsumexp(0))
    return ReciprocalEstimate(
        log_px=-_log_mean(log_ratio),
        log_px_kde=-_log_mean(log_ratio_kde),
        log_px_validated=-_log_mean(log_ratio_validated),
        effective_samples=1 / inverse_ess,
        monte_carlo_error=(inverse_ess - 1 / len(averaged)).clamp(min=0).sqrt(),
        acceptance=acceptance,
    )


def gaussian(fitted: Tensor, at: Tensor) -> Tensor:
    """log density at `at` (n, M, J) of Gaussians with mean and covariance of `fitted` (k, M, J), (n, M)."""
    return _normal(at, fitted.mean(0), _root(fitted))


def kde(fitted: Tensor, at: Tensor, factor: float | Tensor = 1.0) -> Tensor:
    """log density at `at` (n, M, J) of Gaussian kernels on `fitted` (k, M, J), (n, M).

    factor: of Scott's bandwidth k^(-1/(J+4)), one or (M,).
    """
    count, dims = len(fitted), fitted.shape[-1]
    bandwidth = torch.as_tensor(factor, dtype=fitted.dtype) * count ** (-1 / (dims + 4))
    root = bandwidth[..., None, None] * _root(fitted)
    return _log_mean(torch.stack([_normal(at, centre, root) for centre in fitted]))


def validated_kde(fitted: Tensor, at: Tensor) -> Tensor:
    """`kde` with the bandwidth, one an image, under which the second half of `fitted` predicts the first best."""
    factors = torch.exp((torch.arange(10, dtype=fitted.dtype) - 5) / 2)
    half = len(fitted) // 2
    # Scott's factor of all draws, not of the half: as the authors have it.
    correction = (len(fitted) / (len(fitted) - half)) ** (-1 / (fitted.shape[-1] + 4))
    scores = torch.stack([kde(fitted[half:], fitted[:half], factor * correction).sum(0) for factor in factors])
    return kde(fitted, at, factors[scores.argmax(0)])


def _root(draws: Tensor) -> Tensor:
    """Cholesky factors (M, J, J) of the covariances of draws (k, M, J)."""
    centred = (draws - draws.mean(0)).transpose(0, 1)
    covariance = centred.mT @ centred / (len(draws) - 1)
    ridge = RIDGE * covariance.diagonal(dim1=-2, dim2=-1).mean(-1).clamp(min=1e-12)
    return torch.linalg.cholesky(covariance + ridge[:, None, None] * torch.eye(draws.shape[-1], dtype=draws.dtype))


def _normal(at: Tensor, mean: Tensor, root: Tensor) -> Tensor:
    """log N(at; mean, root root'): at (n, M, J), mean (M, J), root (M, J, J) -> (n, M)."""
    white = torch.linalg.solve_triangular(root, (at - mean).permute(1, 2, 0), upper=False)
    log_det = root.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    return -0.5 * (white**2).sum(1).T - log_det - 0.5 * at.shape[-1] * LOG_2PI


def _log_mean(values: Tensor) -> Tensor:
    return values.logsumexp(0) - math.log(len(values))
