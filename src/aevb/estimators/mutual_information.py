r"""The decomposition of the KL divergence in the lower bound (Hoffman & Johnson 2016, eq. 7).

Over N images with aggregate posterior q(z) = 1/N sum_n q(z|x_n),

    1/N sum_n KL(q(z|x_n) || p(z)) = I_q(x; z) + KL(q(z) || p(z))
    I_q(x; z) = 1/N sum_n KL(q(z|x_n) || q(z)) = 1/N sum_n E_q(z|x_n)[log q(z|x_n) - log q(z)]

so that bound = reconstruction - mutual information - marginal KL. For the given N images both terms
are estimated without bias, from draws of z and the full mixture. As estimates for the population of
images they are biased: the mutual information is concave and the marginal KL is convex in the
distribution of x, so in expectation the mutual information is too SMALL and the marginal KL too
LARGE, by the same amount. The mutual information cannot exceed log N. Near this limit it is only a
lower bound of the population's value, and the marginal KL is only an upper bound.

The module also reports which latent dimensions are used: dimension j is an *active unit* if
Var_x E_q(z|x)[z_j] > 0.01 (Burda et al. 2016).
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from aevb.distributions import Bernoulli, DiagonalNormal
from aevb.distributions.normal_mixture import NormalMixture
from aevb.estimators.mixture_kl import kl_from_marginals
from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = [
    "ACTIVE",
    "COLLAPSED",
    "InformationEstimate",
    "Units",
    "information",
    "is_near_ceiling",
    "log_aggregate",
    "posteriors",
    "units",
    "verdict",
]

ACTIVE = 0.01
"""Variance over images of a posterior mean above which its dimension is an active unit (Burda et al.)."""

COLLAPSED = 0.1
"""KL(q(z|x) || p(z)) in nats below which, with no active unit, the posterior has collapsed to the prior."""

NEAR = 1.0
"""Nats below log N from which an estimate of the mutual information is said to be near its upper limit."""

Posterior = DiagonalNormal | Bernoulli
PAIRS = 10_000_000  # (draw, image) pairs evaluated at once: 80 MB


class InformationEstimate(NamedTuple):
    """The decomposition for each image: bound = reconstruction - kl, kl = mutual_information + marginal_kl.

    Attributes:
        bound: The lower bound, (N,), nats per image.
        reconstruction: E_q log p(x|z), (N,), nats per image.
        kl: KL(q(z|x) || p(z)), (N,), nats per image.
        mutual_information: E_q[log q(z|x) - log q(z)], (N,), nats per image.
        marginal_kl: E_q[log q(z) - log p(z)], (N,), nats per image.
    """

    bound: Tensor
    reconstruction: Tensor
    kl: Tensor
    mutual_information: Tensor
    marginal_kl: Tensor


class Units(NamedTuple):
    """The use of each latent dimension, float64.

    Attributes:
        kl: Mean over images of KL(q(z_j|x) || p(z_j)), (J,), nats per image; the sum is the KL divergence
            in the bound unless p(z) is a mixture, whose dimensions depend on each other.
        variance: Variance over images of the posterior mean, (J,).
        log_var: Log-variance of q(z|x), (N, J); for binary z this is log rho (1 - rho).
    """

    kl: Tensor
    variance: Tensor
    log_var: Tensor

    @property
    def active(self) -> Tensor:
        """Whether each latent dimension is an active unit, (J,) bool."""
        return self.variance > ACTIVE


@torch.no_grad()
def information(model: VAE, x: Tensor, noise: Noise, samples: int = 1, batch_size: int = 1000) -> InformationEstimate:
    """Estimate the decomposition of the KL divergence (Hoffman & Johnson 2016, eq. 7).

    The aggregate posterior is the mixture over all N images. The cost is L N^2 J multiplications, in
    float64 on the CPU, and L N decodings. If p(z) is a mixture, whose KL divergence has no closed form, it is
    estimated from the same draws.

    Args:
        model: The model.
        x: Images, (N, D).
        noise: Source of the draws of z.
        samples: Number of draws of q(z|x) per image, L.
        batch_size: Maximum number of images encoded or decoded at once.

    Returns:
        The decomposition for each image.
    """
    qz_x, pz = posteriors(model, x, batch_size), model.prior()
    has_closed_form = not isinstance(pz, NormalMixture)
    kl = qz_x.kl(pz) if has_closed_form else x.new_zeros(len(x))
    reconstruction, mutual_information = torch.zeros_like(kl), torch.zeros_like(kl)
    for _ in range(samples):
        z = qz_x.sample(noise)
        if not has_closed_form:
            kl += (qz_x.log_prob(z) - pz.log_prob(z)) / samples
        parts = zip(z.split(batch_size), x.split(batch_size), strict=True)
        reconstruction += torch.cat([model.decoder(z_part).log_prob(x_part) for z_part, x_part in parts]) / samples
        log_qz = log_aggregate(z, qz_x).to(kl.device, kl.dtype)
        mutual_information += (qz_x.log_prob(z) - log_qz) / samples
    return InformationEstimate(reconstruction - kl, reconstruction, kl, mutual_information, kl - mutual_information)


def is_near_ceiling(mutual_information: float, ceiling: float) -> bool:
    """Whether an estimate is so near its upper limit that more images would give a larger one.

    Args:
        mutual_information: The mean over the images, nats.
        ceiling: log N, nats.
    """
    return mutual_information > ceiling - NEAR


def log_aggregate(z: Tensor, qz_x: Posterior) -> Tensor:
    """Return the log density of the aggregate posterior, log q(z) = log 1/N sum_n q(z|x_n).

    All pairs (m, n) are evaluated by matrix products (`log_prob_of_all`).

    Args:
        z: Latent vectors, (M, J).
        qz_x: q(z|x_n) of the N images, over (N, J).

    Returns:
        log q(z), (M,), nats, float64 on the CPU.
    """
    z, n = z.to("cpu", torch.float64), len(qz_x.mean)
    q: Posterior
    if isinstance(qz_x, Bernoulli):
        q = Bernoulli(qz_x.logits.to("cpu", torch.float64))
    else:
        q = DiagonalNormal(*(tensor.to("cpu", torch.float64) for tensor in (qz_x.mean, qz_x.log_var)))
    parts = z.split(max(1, PAIRS // n))
    return torch.cat([q.log_prob_of_all(part).logsumexp(0) - math.log(n) for part in parts])


@torch.no_grad()
def units(model: VAE, x: Tensor, batch_size: int = 1000) -> Units:
    """Measure how much each latent dimension is used (Burda et al. 2016).

    Args:
        model: The model.
        x: Images, (N, D).
        batch_size: Maximum number of images encoded at once.

    Returns:
        The use of each latent dimension.
    """
    qz_x, pz = posteriors(model, x, batch_size), model.prior()
    if isinstance(pz, NormalMixture) and isinstance(qz_x, DiagonalNormal):
        kl = kl_from_marginals(qz_x, pz).mean(0)
    else:
        kl = _one_by_one(qz_x).kl(_one_by_one(pz)).mean(0)
    variance = qz_x.mean.var(0, unbiased=False)
    return Units(*(tensor.to("cpu", torch.float64) for tensor in (kl, variance, qz_x.log_var)))


def verdict(use: Units, kl: float) -> str:
    """Summarise the use of the latent dimensions in a few words.

    Args:
        use: The use of each latent dimension.
        kl: Mean over images of KL(q(z|x) || p(z)), nats.

    Returns:
        "collapsed": The KL divergence is below 0.1 nats per image and no unit is active.
        "no unit active": No unit is active, but the KL divergence is larger.
        "partly collapsed": Some units are not active.
        "all units active": Every unit is active.
        "diverged": The KL divergence is not finite.
    """
    active = int(use.active.sum())
    if not math.isfinite(kl):
        return "diverged"
    if active == 0:
        return "collapsed" if kl < COLLAPSED else "no unit active"
    return "all units active" if active == len(use.kl) else "partly collapsed"


def _one_by_one(distribution: Any) -> Any:
    """A distribution over (..., J) as J distributions over one dimension each."""
    if isinstance(distribution, Bernoulli):
        return Bernoulli(distribution.logits[..., None])
    return DiagonalNormal(distribution.mean[..., None], distribution.log_var[..., None])


def posteriors(model: VAE, x: Tensor, batch_size: int) -> Posterior:
    """Return q(z|x) of many images.

    Args:
        model: The model.
        x: Images, (N, D).
        batch_size: Maximum number of images encoded at once.

    Returns:
        q(z|x_n), over (N, J).
    """
    parts = [model.encoder(part) for part in x.split(batch_size)]
    if isinstance(parts[0], Bernoulli):
        return Bernoulli(torch.cat([part.logits for part in parts]))
    log_var = torch.cat([part.log_var.expand_as(part.mean) for part in parts])
    return DiagonalNormal(torch.cat([part.mean for part in parts]), log_var)
