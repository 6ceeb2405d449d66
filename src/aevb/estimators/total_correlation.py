r"""The KL divergence in three parts: mutual information, total correlation and dimension-wise KL (Chen et al. 2018, eq. 2).

With the aggregate posterior q(z) = 1/N sum_n q(z|x_n), the mean over the images of

    KL(q(z|x) || p(z)) = E log q(z|x) / q(z)                 mutual information I_q(x; z)
                       + E log q(z) / prod_j q(z_j)          total correlation TC
                       + E log prod_j q(z_j) / p(z)          dimension-wise KL, for p(z) = prod_j p(z_j)

where z ~ q(z|x). The total correlation is 0 if the dimensions of z are independent under q(z). For the N given images
all parts are estimated without bias if q(z) is the mixture over all of them, which costs N densities for each draw. As
estimates for the population of images they are biased: the mutual information is at most log N, and what it lacks is in the
total correlation. Near log N the total correlation is far too large, and falls as N grows.

A minibatch has only M of them. For z drawn from q(z|x_m), there are two estimates of q(z), and of each q(z_j):

    weighted     1/(N M) sum_k q(z|x_k)                                    (Chen et al., eq. 5)
    stratified   q(z|x_m) / N + (N - 1)/(N (M - 1)) sum_{k != m} q(z|x_k)

The weights of the first sum to 1/N instead of 1, so that the three parts contain log N, (J - 1) log N and -J log N; these
constants have no gradient. The image itself has the share 1/M of the weights instead of 1/N, so that dimensions look
less independent than they are. The second, for minibatches without replacement, is unbiased; it is that of
their appendix C.2 with equal weights of the other images. The logarithm of either has a bias of its own, which vanishes at
M = N for the second.
"""

import math
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from aevb.distributions import Bernoulli, DiagonalNormal
from aevb.estimators.mutual_information import log_aggregate, posteriors
from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["AggregateEstimate", "Decomposition", "decomposition", "minibatch_decomposition"]

AggregateEstimate = Literal["weighted", "stratified"]


class Decomposition(NamedTuple):
    """The parts for each draw of z; their sum is log q(z|x) - log p(z).

    Attributes:
        mutual_information: log q(z|x) - log q(z), (...), nats.
        total_correlation: log q(z) - sum_j log q(z_j), (...), nats.
        dimension_kl: sum_j log q(z_j) - log p(z), (...), nats.
    """

    mutual_information: Tensor
    total_correlation: Tensor
    dimension_kl: Tensor


def minibatch_decomposition(
    qz_x: DiagonalNormal, z: Tensor, log_pz: Tensor, n: int, estimate: AggregateEstimate
) -> Decomposition:
    """Estimate the parts from a minibatch; differentiable.

    The cost is L M^2 J densities.

    Args:
        qz_x: q(z|x) over (M, J).
        z: Draws of it, (L, M, J).
        log_pz: log p(z), (L, M), nats.
        n: Number of training images, N.
        estimate: The estimate of q(z).

    Returns:
        The decomposition for each draw, (L, M).
    """
    of_each = DiagonalNormal(qz_x.mean[..., None], qz_x.log_var[..., None])
    log_q = of_each.log_prob(z[:, :, None, :, None])  # of draw (l, m) under image k, (L, M, M, J)
    log_weight = _log_weights(len(qz_x.mean), n, estimate).to(log_q)
    log_qz = (log_q.sum(-1) + log_weight).logsumexp(-1)
    log_qz_each = (log_q + log_weight[..., None]).logsumexp(-2).sum(-1)
    return _parts(qz_x.log_prob(z), log_qz, log_qz_each, log_pz)


def _log_weights(m: int, n: int, estimate: AggregateEstimate) -> Tensor:
    # log of the weight of image k in q(z) for a draw of image m, (M, M).
    if estimate == "weighted":
        return torch.full((m, m), -math.log(n * m), dtype=torch.float64)
    weights = torch.full((m, m), (n - 1) / (n * (m - 1)), dtype=torch.float64)
    return weights.fill_diagonal_(1 / n).log()


def _parts(log_qz_x: Tensor, log_qz: Tensor, log_qz_each: Tensor, log_pz: Tensor) -> Decomposition:
    return Decomposition(log_qz_x - log_qz, log_qz - log_qz_each, log_qz_each - log_pz)


@torch.no_grad()
def decomposition(model: VAE, x: Tensor, noise: Noise, samples: int = 1, batch_size: int = 1000) -> Decomposition:
    """Estimate the parts with the aggregate posterior of all given images.

    The cost is L N^2 J densities, in float64 on the CPU.

    Args:
        model: The model.
        x: Images, (N, D).
        noise: Source of the draws of z.
        samples: Number of draws of q(z|x) per image, L.
        batch_size: Maximum number of images encoded at once.

    Returns:
        The decomposition for each image, (N,), means over its draws.
    """
    qz_x, pz = posteriors(model, x, batch_size), model.prior()
    draws = [_of_draws(qz_x, pz, qz_x.sample(noise)) for _ in range(samples)]
    return Decomposition(*(torch.stack(values).mean(0) for values in zip(*draws, strict=True)))


def _of_draws(qz_x: DiagonalNormal | Bernoulli, pz: Any, z: Tensor) -> Decomposition:
    each = [log_aggregate(z[:, [j]], _dimension(qz_x, j)) for j in range(z.shape[-1])]
    log_qz, log_qz_each = (value.to(z) for value in (log_aggregate(z, qz_x), torch.stack(each).sum(0)))
    return _parts(qz_x.log_prob(z), log_qz, log_qz_each, pz.log_prob(z))


def _dimension(qz_x: DiagonalNormal | Bernoulli, j: int) -> DiagonalNormal | Bernoulli:
    if isinstance(qz_x, Bernoulli):
        return Bernoulli(qz_x.logits[:, [j]])
    return DiagonalNormal(qz_x.mean[:, [j]], qz_x.log_var[:, [j]])
