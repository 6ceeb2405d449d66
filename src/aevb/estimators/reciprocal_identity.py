r"""The paper's marginal likelihood estimator (appendix D), for few latent dimensions.

    1. draw z_1 .. z_L from p(z|x) with Hamiltonian Monte Carlo
    2. fit a density q(z) to the first half of them
    3. 1/p(x) ~ mean over the second half of q(z_l) / (p(z_l) p(x|z_l))

With exact posterior draws the mean is unbiased for 1/p(x). By Jensen's inequality the estimate of
log p(x) is then a stochastic UPPER bound. Its variance is finite only if q has lighter tails than the
posterior. It is an upper bound only if the chains sample the posterior. Chains that stay in one mode
with a share s of the mass estimate log p(x) + log s, which is too LOW, and no diagnostic shows it.
This happens to the paper's procedure, which has one chain per image (here chains=1, temperatures=0,
started from a draw of the encoder's q(z|x)); its two halves are also dependent. By default ten chains
start from draws of annealed chains from the prior, which find the modes. q is fitted to the draws of
five chains and averaged over the draws of the other five. An error of the annealing in the shares of
the modes is common to both halves; it lowers the estimate by about one over the effective sample size
of the annealing. Halves with separate annealing would sometimes find different modes, with errors of
hundreds of nats.

Three densities are fitted to the same draws:
    Gaussian    with the mean and covariance of the draws: the most accurate for a posterior with one
                mode, by an order of magnitude
    KDE         Gaussian kernels with Scott's bandwidth n^(-1/(J+4)) times the root of the covariance
                (the authors', 2013)
    validated   the same with the best of ten bandwidths, Scott e^((i-5)/2): the one with which the
                second half of these draws predicts the first half best (the authors', 2014); the only
                one that fits several modes
If q has mass where the posterior has none, as the first two have between two modes, the estimate is
too high by that share of the mass. With 25 exact draws per half from one mode in 2, 3 and 5
dimensions, the Gaussian is .01, .01, .03 too high and the validated KDE .05, .11, .36. This explains
the paper's restriction to fewer than five latent dimensions.

The authors adapt the step size while they draw, which changes the distribution of the draws. Here the
step size is adapted first and then fixed. Cost: (temperatures + warm-up) leapfrogs gradients per
chain, leapfrogs gradients per sample, and L^2 / 4 kernels.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from aevb.distributions.base import LOG_2PI
from aevb.estimators.ais import posterior_draws
from aevb.estimators.log_mean_error import log_mean_error
from aevb.estimators.model_queries import prior_of
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.samplers.hmc import chains_at, hmc
from aevb.samplers.step_size import warm_up

__all__ = ["ReciprocalEstimate", "gaussian", "kde", "reciprocal", "validated_kde"]

TARGET = 0.9  # target acceptance rate, appendix E
FIRST_STEP = 0.05
RIDGE = 1e-6  # share of the mean variance, for draws with a singular covariance


class ReciprocalEstimate(NamedTuple):
    """The estimates of log p(x) of each image, float64; each is a stochastic upper bound.

    Attributes:
        log_px: With a Gaussian density, (M,), nats per image.
        log_px_kde: With a kernel density, (M,), nats per image.
        log_px_validated: With a kernel density of validated bandwidth, (M,), nats per image.
        effective_samples: Effective sample size of `log_px`, (M,).
        monte_carlo_error: Standard error of `log_px` by the delta method for independent draws, (M,), nats
            per image.
        acceptance: Mean acceptance rate over all chains, (M,).
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
    """Estimate an upper bound of log p(x) of each image (appendix D).

    Args:
        model: The model.
        x: Images, (M, D).
        noise: Source of the draws.
        samples: Number of draws per image over all chains, L, rounded up to a multiple of `chains`. One
            half is used for the fit and the other for the average. The paper uses 50.
        leapfrogs: Number of leapfrog steps per trajectory. The paper uses 4.
        chains: Number of chains per image. With one chain, the halves are its first and second half.
        temperatures: Number of temperatures of the annealing before; 0: the chains start from draws of
            q(z|x), or of p(z) if the model has no encoder.
        warm_up_samples: Number of trajectories that adapt the step size to an acceptance rate of 0.9.

    Returns:
        The estimates for each image.
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
    # Ordered by chain, so that the halves share no chain (or are the halves of a single chain).
    draws, log_joints = (torch.stack(item, 1).flatten(0, 1).to("cpu", torch.float64) for item in (z, log_p))
    half = each * math.ceil(chains / 2) if chains > 1 else each // 2
    rate = torch.stack(rates).mean(0).to("cpu", torch.float64)
    return _estimate(draws[:half], draws[half:], log_joints[half:], rate)


@torch.no_grad()
def _begun(model: VAE, x: Tensor, noise: Noise, chains: int) -> Tensor:
    q = model.encoder(x) if model.has_encoder else prior_of(model, x)
    return q.sample(noise, chains)


def _estimate(fitted: Tensor, averaged: Tensor, log_joint: Tensor, acceptance: Tensor) -> ReciprocalEstimate:
    """Fit q to the draws (L/2, M, J) and average over the others, whose log p(x, z) is (L/2, M)."""
    log_ratio = gaussian(fitted, averaged) - log_joint
    log_ratio_kde = kde(fitted, averaged) - log_joint
    log_ratio_validated = validated_kde(fitted, averaged) - log_joint
    inverse_ess = torch.exp((2 * log_ratio).logsumexp(0) - 2 * log_ratio.logsumexp(0))
    return ReciprocalEstimate(
        log_px=-_log_mean(log_ratio),
        log_px_kde=-_log_mean(log_ratio_kde),
        log_px_validated=-_log_mean(log_ratio_validated),
        effective_samples=1 / inverse_ess,
        monte_carlo_error=log_mean_error(inverse_ess, len(averaged)),
        acceptance=acceptance,
    )


def gaussian(fitted: Tensor, at: Tensor) -> Tensor:
    """Return the log density of Gaussians with the mean and covariance of the draws.

    Args:
        fitted: Draws to which the Gaussians are fitted, (k, M, J).
        at: Points of evaluation, (n, M, J).

    Returns:
        The log density, (n, M), nats.
    """
    return _normal(at, fitted.mean(0), _root(fitted))


def kde(fitted: Tensor, at: Tensor, factor: float | Tensor = 1.0) -> Tensor:
    """Return the log density of a Gaussian kernel density estimate with Scott's bandwidth k^(-1/(J+4)).

    Args:
        fitted: Draws on which the kernels are centred, (k, M, J).
        at: Points of evaluation, (n, M, J).
        factor: Factor of the bandwidth, a scalar or (M,).

    Returns:
        The log density, (n, M), nats.
    """
    count, dims = len(fitted), fitted.shape[-1]
    bandwidth = torch.as_tensor(factor, dtype=fitted.dtype) * count ** (-1 / (dims + 4))
    root = bandwidth[..., None, None] * _root(fitted)
    return _log_mean(torch.stack([_normal(at, centre, root) for centre in fitted]))


def validated_kde(fitted: Tensor, at: Tensor) -> Tensor:
    """Return the log density of a `kde` with a validated bandwidth for each image.

    The bandwidth is the one with which the second half of `fitted` predicts the first half best.

    Args:
        fitted: Draws on which the kernels are centred, (k, M, J).
        at: Points of evaluation, (n, M, J).

    Returns:
        The log density, (n, M), nats.
    """
    factors = torch.exp((torch.arange(10, dtype=fitted.dtype) - 5) / 2)
    half = len(fitted) // 2
    # Scott's factor for the number of all draws, not of the half, as the authors do.
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
