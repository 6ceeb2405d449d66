r"""Importance-sampled marginal likelihood of a fixed model (IWAE-K, Burda et al. 2016, eq. 8).

    log p(x) ~ log 1/K sum_k w_k,   w_k = p(z_k) p(x|z_k) / q(z_k|x),   z_k ~ q(z|x)

The mean of the weights is unbiased for p(x). By Jensen's inequality its logarithm is a stochastic
LOWER bound of log p(x). In expectation it is at least the variational lower bound and increases with
K; the bias is about -Var(w) / (2 K p(x)^2). Two diagnostics describe its reliability: the effective
sample size ESS = (sum w)^2 / sum w^2, which is near K if q fits the posterior and near 1 if one
sample dominates the sum, and the Pareto shape of the largest weights (aevb.estimators.pareto_k).
Neither detects a mode that q never samples: the weights then agree, and the estimate is too low.

There are two alternatives to q(z|x) as the proposal. In the first, a share of the samples comes from
the prior, z_k ~ a p(z) + (1 - a) q(z|x), and the density of the mixture is the denominator (defensive
importance sampling, Hesterberg 1995). The weights are then below p(x|z) / a, so their variance is
finite for every q. A mode that q misses is found if K is large enough for draws of the prior to reach
it, which requires few latent dimensions. In the second, the proposal is a mixture of normals centred
on posterior draws from annealed chains, 1/C sum_c N(z; z_c, diag sigma^2(x)). The chains find the
modes and their proportions (aevb.estimators.ais.posterior_draws). In both cases K = 1 is no longer
the variational lower bound.

Cost: K decodings per image. Memory does not depend on K, except for the min(K / 5, 3 sqrt K) largest
weights of each image.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from aevb.distributions import DiagonalNormal
from aevb.distributions.base import Distribution
from aevb.estimators.ais import posterior_draws
from aevb.estimators.log_mean_error import log_mean_error
from aevb.estimators.model_queries import prior_of
from aevb.estimators.pareto_k import pareto_k, tail_length
from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["DRAWN", "ImportanceEstimate", "importance"]

DRAWN = 16
"""Latent vectors that are drawn at once, as a multiple of those that are decoded at once."""

PIECE = 16
"""Draws of an image in one call of a proposal that may ask for several arrays of noise."""


class ImportanceEstimate(NamedTuple):
    """The importance-sampled log-likelihood of each image, float64.

    Attributes:
        log_px: Stochastic lower bound of log p(x), (M,), nats per image.
        effective_samples: Effective sample size, (M,), between 1 and K.
        monte_carlo_error: Standard error of `log_px` (`aevb.estimators.log_mean_error`), (M,), nats per
            image; too small if the effective sample size is near 1, nan for K = 1.
        pareto_k: Shape of the tail of the weights, (M,). Above `pareto_k_threshold(K)` the three
            values above are not reliable; nan for K < 21.
        rise: `log_px` minus its mean over the two halves of the samples, (M,), nats per image; about the
            remaining bias. nan for K = 1.
    """

    log_px: Tensor
    effective_samples: Tensor
    monte_carlo_error: Tensor
    pareto_k: Tensor
    rise: Tensor


@torch.no_grad()
def importance(
    model: VAE,
    x: Tensor,
    noise: Noise,
    samples: int,
    batch_size: int = 1000,
    prior_share: float = 0.0,
    annealed: int = 0,
) -> ImportanceEstimate:
    """Estimate log p(x) of each image by importance sampling (Burda et al. 2016, eq. 8).

    The sums of the weights are accumulated in float64 on the CPU, because not every device supports
    float64.

    Args:
        model: The model.
        x: Images, (M, D).
        noise: Source of the draws.
        samples: Number of importance samples per image, K.
        batch_size: Maximum number of latent vectors decoded at once, approximately.
        prior_share: Share of the samples that come from the prior, a, in [0, 1].
        annealed: Number of posterior draws per image on which the proposal is centred, C; 0: the
            proposal is q(z|x).

    Returns:
        The log-likelihood of each image, with diagnostics.
    """
    pz = model.prior()
    proposal = prior_of(model, x) if prior_share == 1 and not annealed else model.encoder(x)
    if annealed:
        proposal = _Kernels(posterior_draws(model, x, noise, chains=annealed), proposal.log_var)
    if prior_share and (annealed or prior_share < 1):
        proposal = _Defensive(proposal, prior_of(model, x), prior_share)
    log_sums = torch.full((2, len(x)), -math.inf, dtype=torch.float64)  # of each half of the samples
    log_sum_squares = log_sums[0].clone()
    tail, largest = tail_length(samples) + 1, torch.empty((0, len(x)), dtype=torch.float64)

    # One draw of many latent vectors, decoded in chunks that fit the cache: the small operations on z and the weights are then few.
    chunk, middle = max(1, batch_size // len(x)), samples // 2
    draws = min(batch_size, max(1, DRAWN * batch_size // len(x)))
    if not _takes_one_array(proposal):
        draws = math.ceil(draws / PIECE) * PIECE
    for half, (begin, end) in enumerate(((0, middle), (middle, samples))):
        for start in range(begin, end, draws):
            z = _draw(proposal, noise, min(draws, end - start))
            log_px_z = torch.cat([model.decoder(few).log_prob(x) for few in z.split(chunk)])
            log_w = (pz.log_prob(z) + log_px_z - proposal.log_prob(z)).to("cpu", torch.float64)
            log_sums[half] = torch.logaddexp(log_sums[half], log_w.logsumexp(0))
            log_sum_squares = torch.logaddexp(log_sum_squares, (2 * log_w).logsumexp(0))
            candidates = torch.cat([largest, log_w])
            largest = candidates.topk(min(tail, len(candidates)), 0).values

    log_sum = log_sums.logsumexp(0)
    log_px = log_sum - math.log(samples)
    inverse_ess = torch.exp(log_sum_squares - 2 * log_sum)
    halves = log_sums - torch.tensor([[middle], [samples - middle]], dtype=torch.float64).log()
    rise = log_px - halves.mean(0) if middle else torch.full_like(log_px, math.nan)
    error = log_mean_error(inverse_ess, samples)
    return ImportanceEstimate(log_px, 1 / inverse_ess, error, pareto_k(largest), rise)


def _draw(proposal: Distribution, noise: Noise, samples: int) -> Tensor:
    # A normal takes one array of noise, whose numbers follow each other however they are divided among calls. Other
    # proposals may take several arrays, as of uniform and normal numbers, so that the lengths of the calls must not
    # depend on batch_size or on the number of images.
    if _takes_one_array(proposal):
        return proposal.sample(noise, samples)
    return torch.cat([proposal.sample(noise, min(PIECE, samples - start)) for start in range(0, samples, PIECE)])


def _takes_one_array(proposal: Distribution) -> bool:
    # As a flow, which moreover knows the density of the very tensor that it has drawn (aevb.distributions.flows).
    return isinstance(proposal, DiagonalNormal) or getattr(proposal, "one_array", False)


class _Kernels:
    """A mixture, with equal weights, of normals with log-variance (M, J) at the centres (C, M, J)."""

    def __init__(self, centres: Tensor, log_var: Tensor) -> None:
        self.centres, self.kernels = centres, DiagonalNormal(centres[:, None], log_var)

    def sample(self, noise: Noise, samples: int) -> Tensor:
        count, num_images, dims = self.centres.shape
        chosen = (noise.uniform((samples, num_images, 1), self.centres.dtype) * count).long().clamp(max=count - 1)
        centre = self.centres.gather(0, chosen.expand(-1, -1, dims))
        return DiagonalNormal(centre, self.kernels.log_var.expand_as(centre)).sample(noise)

    def log_prob(self, z: Tensor) -> Tensor:
        return self.kernels.log_prob(z).logsumexp(0) - math.log(len(self.centres))


class _Defensive:
    """A mixture of q, with weight 1 - `share`, and the prior, with weight `share`; both over (M, J)."""

    def __init__(self, q: Distribution, prior: Distribution, share: float) -> None:
        self.q, self.prior, self.share = q, prior, share

    def sample(self, noise: Noise, samples: int) -> Tensor:
        z, other = self.q.sample(noise, samples), self.prior.sample(noise, samples)
        return torch.where(noise.uniform((*z.shape[:-1], 1), z.dtype) < self.share, other, z)

    def log_prob(self, z: Tensor) -> Tensor:
        parts = torch.stack([self.q.log_prob(z), self.prior.log_prob(z)], -1)
        return (parts + parts.new_tensor([1 - self.share, self.share]).log()).logsumexp(-1)
