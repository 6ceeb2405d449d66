r"""Annealed importance sampling of log p(x) (Neal 2001), and bidirectional Monte Carlo (Grosse et al. 2015; Wu et al. 2017).

    f_t(z) = q_0(z)^(1 - b_t) p(x, z)^b_t,   0 = b_0 < ... < b_T = 1
    forward:  z ~ q_0;   for t = 1 .. T:   log w += (b_t - b_{t-1}) (log p(x, z) - log q_0(z)),   z <- T_t(z)
    reverse:  z ~ p(z|x);   for t = T .. 1:   z <- T_t(z),   log w += (b_t - b_{t-1}) (log p(x, z) - log q_0(z))

T_t is one trajectory of Hamiltonian Monte Carlo that leaves f_t invariant, so E[w] = p(x) in the forward direction exactly,
whatever T, the leapfrogs or the acceptance, and E[1/w] = 1/p(x) in the reverse. By Jensen log mean w is a stochastic LOWER
bound of log p(x), -log mean 1/w a stochastic UPPER bound; both tighten with T and with the chains. Exact posterior draws
exist for data simulated from the model, where z comes with x: there the difference of the two bounds, in expectation, is at
least the bias of the first (BDMC).

q_0 is the prior, or the encoder's q(z|x), from which one temperature gives importance sampling itself. The schedule is Wu's
sigmoid, slow at both ends. Step sizes, one an image and temperature, come from a pilot run with noise of its own and are
frozen before the first weight, so that the transitions know nothing of the chains that they move.

Cost: T leapfrogs gradients of the decoder for every chain, and a quarter as many for the pilot. Memory: chains times images.
"""

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from aevb.distributions import DiagonalNormal
from aevb.estimators.model_queries import prior_of
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.samplers.hmc import Chains, chains_at, hmc

__all__ = ["AISEstimate", "BDMCEstimate", "Start", "ais", "bdmc", "posterior_draws", "schedule", "simulate"]

Start = Literal["prior", "encoder"]

RAD = 4.0  # the sigmoid's, Wu et al. 2017
TARGET = 0.65  # acceptance, likewise
FIRST_STEP = 0.5
GAIN = 0.3  # of log step size on (acceptance - target), in the pilot


class AISEstimate(NamedTuple):
    """Per image, (M,), float64.

    log_px: nats, a stochastic lower bound (reverse: upper). effective_samples: of the chains' weights, in 1..C.
    monte_carlo_error: standard error of log_px by the delta method. acceptance: mean over chains and temperatures; far below 0.65
    or with ESS near 1, more temperatures are needed.
    """

    log_px: Tensor
    effective_samples: Tensor
    monte_carlo_error: Tensor
    acceptance: Tensor


class BDMCEstimate(NamedTuple):
    """Per simulated image, (M,), float64, nats. lower <= log p(x) <= upper in expectation; gap = upper - lower."""

    gap: Tensor
    lower: Tensor
    upper: Tensor
    lower_effective_samples: Tensor
    upper_effective_samples: Tensor
    acceptance: Tensor


class _Points(NamedTuple):
    """Where chains stand. z: (C, M, J). ratio: log p(x, z) - log q_0(z), (C, M). slope: its gradient, (C, M, J)."""

    z: Tensor
    ratio: Tensor
    slope: Tensor


class _Path:
    """From q_0, over (M, J), to the posterior of x: log f = log q_0 + beta ratio.

    At the end of a trajectory ratio and slope are known, so that the next temperature has its density and gradient for nothing.
    """

    def __init__(self, model: VAE, x: Tensor, start: Start, temperatures: int, leapfrogs: int) -> None:
        self.model, self.x, self.leapfrogs = model, x, leapfrogs
        self.betas = schedule(temperatures)
        with torch.no_grad():
            self.start: DiagonalNormal = prior_of(model, x) if start == "prior" else model.encoder(x)

    def log_ratio(self, z: Tensor) -> Tensor:
        """log p(x, z) - log q_0(z)."""
        return self.model.log_joint(self.x, z) - self.start.log_prob(z)

    def points(self, z: Tensor) -> _Points:
        """At z (C, M, J)."""
        return _Points(*chains_at(self.log_ratio, z))

    def move(self, points: _Points, beta: float, step: Tensor, noise: Noise) -> tuple[_Points, Tensor]:
        """Points after a trajectory under f at `beta`, and its acceptance (C, M)."""
        last = points.ratio

        def density(z: Tensor) -> Tensor:
            nonlocal last
            ratio = self.log_ratio(z)
            last = ratio.detach()
            return self.start.log_prob(z) + beta * ratio

        log_q = self.start.log_prob(points.z)
        chains = Chains(points.z, log_q + beta * points.ratio, self._slope(points.z) + beta * points.slope)
        after, acceptance, accepted = hmc(density, chains, step, self.leapfrogs, noise)
        slope = (after.gradient - self._slope(after.position)) / beta
        slope = torch.where(accepted[..., None], slope, points.slope)
        return _Points(after.position, torch.where(accepted, last, points.ratio), slope), acceptance

    def _slope(self, z: Tensor) -> Tensor:
        return (self.start.mean - z) * torch.exp(-self.start.log_var)


def schedule(temperatures: int) -> list[float]:
    """b_0 = 0 .. b_T = 1: a sigmoid between -4 and 4, scaled."""
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
    """log p(x) of each row of x (M, D) from below. temperatures: T. chains: C an image. leapfrogs: of a trajectory."""
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
    """Both bounds of log p(x) for `count` images simulated from the model, z ~ p(z), x ~ p(x|z).

    The reverse chains of an image all begin at the one exact draw there is; each is a valid chain, so their mean is.
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
    """z (C, M, J), nearly from p(z|x): the ends of C annealed chains from the prior, drawn anew by their weights.

    They find modes, in their proportions, that a chain begun at the encoder's q would not; exact as T or C grow.
    """
    path = _Path(model, x, "prior", temperatures, leapfrogs)
    _, z, log_w = _forward(path, noise, chains, _pilot(path, noise, max(1, chains // 4)))
    upto = log_w.softmax(0).cumsum(0).to(z)  # (C, M)
    chosen = (noise.uniform((chains, len(x), 1), z.dtype) > upto.T).sum(-1).clamp(max=chains - 1)
    return z.gather(0, chosen[..., None].expand_as(z))


@torch.no_grad()
def simulate(model: VAE, count: int, noise: Noise) -> tuple[Tensor, Tensor]:
    """z (count, J) ~ p(z) and x (count, D) ~ p(x|z): z is an exact draw of p(z|x)."""
    z = model.sample_prior(count, noise)
    return z, model.decoder(z).sample(noise)


def _pilot(path: _Path, noise: Noise, chains: int) -> list[Tensor]:
    """Step sizes (M,) by temperature: a forward run whose step size follows the acceptance from one to the next."""
    points = path.points(path.start.sample(noise, chains))
    step = torch.full_like(points.ratio[0], FIRST_STEP)
    steps = []
    for beta in path.betas[1:]:
        points, acceptance = path.move(points, beta, step, noise)
        step = step * torch.exp(GAIN * (acceptance.mean(0) - TARGET))
        steps.append(step)
    return steps


def _forward(path: _Path, noise: Noise, chains: int, steps: list[Tensor]) -> tuple[AISEstimate, Tensor, Tensor]:
    """The estimate, and with it z (C, M, J) and log w (C, M): draws of the posterior when they are weighted."""
    points = path.points(path.start.sample(noise, chains))
    log_w, rates = torch.zeros_like(points.ratio, dtype=torch.float64), []
    for t, step in enumerate(steps):
        log_w += (path.betas[t + 1] - path.betas[t]) * points.ratio
        points, acceptance = path.move(points, path.betas[t + 1], step, noise)
        rates.append(acceptance.mean(0))
    return _estimate(log_w, rates), points.z, log_w


def _reverse(path: _Path, noise: Noise, z: Tensor, steps: list[Tensor]) -> AISEstimate:
    points = path.points(z)
    log_w, rates = torch.zeros_like(points.ratio, dtype=torch.float64), []
    for t in reversed(range(len(steps))):
        points, acceptance = path.move(points, path.betas[t + 1], steps[t], noise)
        log_w += (path.betas[t + 1] - path.betas[t]) * points.ratio
        rates.append(acceptance.mean(0))
    estimate = _estimate(-log_w, rates)
    return estimate._replace(log_px=-estimate.log_px)


def _estimate(log_w: Tensor, rates: list[Tensor]) -> AISEstimate:
    """log of the mean of the weights (C, M), their effective number, and what that says of the error."""
    log_w, chains = log_w.cpu(), len(log_w)
    acceptance = torch.stack(rates).mean(0).to("cpu", torch.float64)
    log_sum = log_w.logsumexp(0)
    inverse_ess = torch.exp((2 * log_w).logsumexp(0) - 2 * log_sum)
    error = (inverse_ess - 1 / chains).clamp(min=0).sqrt()
    return AISEstimate(log_sum - math.log(chains), 1 / inverse_ess, error, acceptance)
