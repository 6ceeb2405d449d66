r"""Annealed importance sampling of log p(x) (Neal 2001) and bidirectional Monte Carlo (Grosse et al. 2015).

    f_t(z) = q_0(z)^(1 - b_t) p(x, z)^b_t,   0 = b_0 < ... < b_T = 1
    r(z) = log p(x, z) - log q_0(z)
    forward:  z ~ q_0;      for t = 1 .. T:   log w += (b_t - b_{t-1}) r(z),   z <- T_t(z)
    reverse:  z ~ p(z|x);   for t = T .. 1:   z <- T_t(z),   log w += (b_t - b_{t-1}) r(z)

T_t is one trajectory of Hamiltonian Monte Carlo that leaves f_t invariant. Therefore E[w] = p(x)
exactly in the forward direction, for any number of temperatures, number of leapfrog steps and
acceptance rate, and E[1/w] = 1/p(x) in the reverse direction. By Jensen's inequality log mean w is a
stochastic LOWER bound of log p(x), and -log mean 1/w is a stochastic UPPER bound. Both become
tighter with more temperatures and more chains. Exact posterior draws exist for data simulated from
the model, because z is simulated together with x. For such data the expected difference of the two
bounds is at least the bias of the lower bound (bidirectional Monte Carlo; Wu et al. 2017).

q_0 is the prior or the encoder's q(z|x). With the encoder and one temperature the method is
importance sampling. The schedule is the sigmoid of Wu et al., whose steps are small at both ends.
There is one step size per image and temperature. The step sizes are adapted in a pilot run with its
own noise and are fixed before the first weight, so the transitions do not depend on the chains.

Cost: one gradient of the decoder per chain, temperature and leapfrog step, and a quarter as many for
the pilot run. Memory: chains times images.
"""

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from aevb.distributions import DiagonalNormal
from aevb.distributions.normal_mixture import NormalMixture
from aevb.estimators.log_mean_error import log_mean_error
from aevb.estimators.model_queries import prior_of
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.samplers.hmc import Chains, chains_at, hmc

__all__ = ["AISEstimate", "BDMCEstimate", "Start", "ais", "bdmc", "posterior_draws", "schedule", "simulate"]

Start = Literal["prior", "encoder"]

RAD = 4.0  # range of the sigmoid schedule, Wu et al. 2017
TARGET = 0.65  # target acceptance rate, Wu et al. 2017
FIRST_STEP = 0.5
GAIN = 0.3  # change of the log step size per unit of (acceptance - target) in the pilot run


class AISEstimate(NamedTuple):
    """The estimate of log p(x) of each image by annealed importance sampling, float64.

    If the acceptance rate is far below 0.65 or the effective sample size is near 1, more temperatures
    are needed.

    Attributes:
        log_px: Stochastic lower bound of log p(x) (upper bound in the reverse direction), (M,), nats per
            image.
        effective_samples: Effective sample size of the chains' weights, (M,), between 1 and C.
        monte_carlo_error: Standard error of `log_px` (`aevb.estimators.log_mean_error`), (M,), nats per image; nan
            for one chain.
        acceptance: Mean acceptance rate over chains and temperatures, (M,).
    """

    log_px: Tensor
    effective_samples: Tensor
    monte_carlo_error: Tensor
    acceptance: Tensor


class BDMCEstimate(NamedTuple):
    """The two bounds of log p(x) of each simulated image, float64; lower <= log p(x) <= upper in expectation.

    Attributes:
        gap: upper - lower, (M,), nats per image.
        lower: Stochastic lower bound of log p(x), (M,), nats per image.
        upper: Stochastic upper bound of log p(x), (M,), nats per image.
        lower_effective_samples: Effective sample size of the forward chains, (M,).
        upper_effective_samples: Effective sample size of the reverse chains, (M,).
        acceptance: Mean acceptance rate of both directions, (M,).
    """

    gap: Tensor
    lower: Tensor
    upper: Tensor
    lower_effective_samples: Tensor
    upper_effective_samples: Tensor
    acceptance: Tensor


class _Points(NamedTuple):
    """Positions of the chains: z (C, M, J), log p(x, z) - log q_0(z) (C, M), and its gradient (C, M, J)."""

    z: Tensor
    ratio: Tensor
    slope: Tensor


class _Path:
    """The annealing path from q_0, over (M, J), to the posterior of x: log f = log q_0 + beta ratio.

    The ratio and its gradient are kept at the end of a trajectory, so the density and the gradient at
    the next temperature need no further evaluation of the decoder.
    """

    def __init__(self, model: VAE, x: Tensor, start: Start, temperatures: int, leapfrogs: int) -> None:
        self.model, self.x, self.leapfrogs = model, x, leapfrogs
        self.betas = schedule(temperatures)
        with torch.no_grad():
            self.start: DiagonalNormal | NormalMixture = prior_of(model, x) if start == "prior" else model.encoder(x)
        if isinstance(self.start, NormalMixture):
            self.start = self.start.detach()  # of trained parameters

    def log_ratio(self, z: Tensor) -> Tensor:
        """Return log p(x, z) - log q_0(z)."""
        return self.model.log_joint(self.x, z) - self.start.log_prob(z)

    def points(self, z: Tensor) -> _Points:
        """Evaluate the ratio and its gradient at z (C, M, J)."""
        return _Points(*chains_at(self.log_ratio, z))

    def move(self, points: _Points, beta: float, step: Tensor, noise: Noise) -> tuple[_Points, Tensor]:
        """Return the positions after one trajectory under f at `beta`, and the acceptance rate (C, M)."""
        last = points.ratio

        def density(z: Tensor) -> Tensor:
            nonlocal last
            ratio = self.log_ratio(z)
            last = ratio.detach()
            return self.start.log_prob(z) + beta * ratio

        log_q = self.start.log_prob(points.z)
        chains = Chains(points.z, log_q + beta * points.ratio, self.start.slope(points.z) + beta * points.slope)
        after, acceptance, accepted = hmc(density, chains, step, self.leapfrogs, noise)
        slope = (after.gradient - self.start.slope(after.position)) / beta
        slope = torch.where(accepted[..., None], slope, points.slope)
        return _Points(after.position, torch.where(accepted, last, points.ratio), slope), acceptance


def schedule(temperatures: int) -> list[float]:
    """Return the inverse temperatures, a rescaled sigmoid between -4 and 4 (Wu et al. 2017).

    Args:
        temperatures: Number of temperatures, T.

    Returns:
        b_0 = 0 .. b_T = 1.
    """
    raw = torch.sigmoid(torch.linspace(-RAD, RAD, temperatures + 1, dtype=torch.float64))
    return ((raw - raw[0]) / (raw[-1] - raw[0])).tolist()


def ais(
    model: VAE,
    x: Tensor,
    noise: Noise,
    temperatures: int = 500,
    chains: int = 4,
    leapfrogs: int = 5,
    start: Start = "prior",
) -> AISEstimate:
    """Estimate a lower bound of log p(x) of each image by annealed importance sampling (Neal 2001).

    Args:
        model: The model.
        x: Images, (M, D).
        noise: Source of the draws.
        temperatures: Number of temperatures, T.
        chains: Number of chains per image, C.
        leapfrogs: Number of leapfrog steps per trajectory.
        start: q_0: "prior" for p(z) or "encoder" for q(z|x).

    Returns:
        The estimate for each image.
    """
    path = _Path(model, x, start, temperatures, leapfrogs)
    steps = _pilot(path, noise, max(1, chains // 4))
    return _forward(path, noise, chains, steps)[0]


def bdmc(
    model: VAE,
    count: int,
    noise: Noise,
    temperatures: int = 500,
    chains: int = 4,
    leapfrogs: int = 5,
    start: Start = "prior",
) -> BDMCEstimate:
    """Estimate both bounds of log p(x) for images simulated from the model (Grosse et al. 2015).

    All reverse chains of an image start from the single exact posterior draw. Each of them is a valid
    chain, so the mean of their weights is unbiased.

    Args:
        model: The model.
        count: Number of simulated images, M.
        noise: Source of the draws.
        temperatures: Number of temperatures, T.
        chains: Number of chains per image and direction, C.
        leapfrogs: Number of leapfrog steps per trajectory.
        start: q_0: "prior" for p(z) or "encoder" for q(z|x).

    Returns:
        The two bounds for each simulated image.
    """
    z, x = simulate(model, count, noise)
    path = _Path(model, x, start, temperatures, leapfrogs)
    steps = _pilot(path, noise, max(1, chains // 4))
    lower, _, _ = _forward(path, noise, chains, steps)
    upper = _reverse(path, noise, z.expand(chains, -1, -1), steps)
    acceptance = (lower.acceptance + upper.acceptance) / 2
    ess = lower.effective_samples, upper.effective_samples
    return BDMCEstimate(upper.log_px - lower.log_px, lower.log_px, upper.log_px, *ess, acceptance)


def posterior_draws(
    model: VAE, x: Tensor, noise: Noise, temperatures: int = 200, chains: int = 10, leapfrogs: int = 2
) -> Tensor:
    """Draw approximately from p(z|x): annealed chains from the prior, resampled with their weights.

    Annealed chains find modes, in the right proportions, that a chain started from the encoder's q(z|x)
    would miss. The draws become exact as T or C increases.

    Args:
        model: The model.
        x: Images, (M, D).
        noise: Source of the draws.
        temperatures: Number of temperatures, T.
        chains: Number of chains per image, C.
        leapfrogs: Number of leapfrog steps per trajectory.

    Returns:
        Draws of z, (C, M, J).
    """
    path = _Path(model, x, "prior", temperatures, leapfrogs)
    _, z, log_w = _forward(path, noise, chains, _pilot(path, noise, max(1, chains // 4)))
    upto = log_w.softmax(0).cumsum(0).to(z)  # (C, M)
    chosen = (noise.uniform((chains, len(x), 1), z.dtype) > upto.T).sum(-1).clamp(max=chains - 1)
    return z.gather(0, chosen[..., None].expand_as(z))


@torch.no_grad()
def simulate(model: VAE, count: int, noise: Noise) -> tuple[Tensor, Tensor]:
    """Simulate z ~ p(z) and x ~ p(x|z); each z is an exact draw of p(z|x).

    Args:
        model: The model.
        count: Number of simulated images.
        noise: Source of the draws.

    Returns:
        z, (count, J), and x, (count, D).
    """
    z = model.sample_prior(count, noise)
    return z, model.decoder(z).sample(noise)


def _pilot(path: _Path, noise: Noise, chains: int) -> list[Tensor]:
    """Step sizes (M,) for every temperature, adapted to the acceptance rate in a forward run."""
    points = path.points(path.start.sample(noise, chains))
    step = torch.full_like(points.ratio[0], FIRST_STEP)
    steps = []
    for beta in path.betas[1:]:
        points, acceptance = path.move(points, beta, step, noise)
        step = step * torch.exp(GAIN * (acceptance.mean(0) - TARGET))
        steps.append(step)
    return steps


def _forward(path: _Path, noise: Noise, chains: int, steps: list[Tensor]) -> tuple[AISEstimate, Tensor, Tensor]:
    """Return the estimate, and z (C, M, J) with log w (C, M), which are weighted draws of the posterior."""
    points = path.points(path.start.sample(noise, chains))
    log_w, rates = torch.zeros(points.ratio.shape, dtype=torch.float64), []  # on the CPU: not every device has float64
    for t, step in enumerate(steps):
        log_w += ((path.betas[t + 1] - path.betas[t]) * points.ratio).cpu()
        points, acceptance = path.move(points, path.betas[t + 1], step, noise)
        rates.append(acceptance.mean(0))
    return _estimate(log_w, rates), points.z, log_w


def _reverse(path: _Path, noise: Noise, z: Tensor, steps: list[Tensor]) -> AISEstimate:
    points = path.points(z)
    log_w, rates = torch.zeros(points.ratio.shape, dtype=torch.float64), []  # on the CPU: not every device has float64
    for t in reversed(range(len(steps))):
        points, acceptance = path.move(points, path.betas[t + 1], steps[t], noise)
        log_w += ((path.betas[t + 1] - path.betas[t]) * points.ratio).cpu()
        rates.append(acceptance.mean(0))
    estimate = _estimate(-log_w, rates)
    return estimate._replace(log_px=-estimate.log_px)


def _estimate(log_w: Tensor, rates: list[Tensor]) -> AISEstimate:
    """Logarithm of the mean of the weights (C, M), the effective sample size and the standard error."""
    chains = len(log_w)
    acceptance = torch.stack(rates).mean(0).to("cpu", torch.float64)
    log_sum = log_w.logsumexp(0)
    inverse_ess = torch.exp((2 * log_w).logsumexp(0) - 2 * log_sum)
    error = log_mean_error(inverse_ess, chains)
    return AISEstimate(log_sum - math.log(chains), 1 / inverse_ess, error, acceptance)
