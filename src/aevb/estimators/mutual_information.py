r"""ELBO surgery: what the KL divergence of the bound is made of (Hoffman & Johnson 2016, eq. 7).

Over N images with aggregate posterior q(z) = 1/N sum_n q(z|x_n),

    1/N sum_n KL(q(z|x_n) || p(z)) = I_q(x; z) + KL(q(z) || p(z))
    I_q(x; z) = 1/N sum_n KL(q(z|x_n) || q(z)) = 1/N sum_n E_q(z|x_n)[log q(z|x_n) - log q(z)]

so that bound = reconstruction - mutual information - marginal KL. Given the N images both are unbiased, from draws of z and the
whole mixture. About the population of images they err: mutual information is concave and the marginal KL convex in the
distribution of x, so the first is too SMALL and the second too LARGE in expectation, by the same amount. The first never exceeds
log N; where it is near this ceiling it says "at least this much", and the marginal KL "at most".

Also which latent dimensions are used: dimension j is an *active unit* if Var_x E_q(z|x)[z_j] > 0.01 (Burda et al. 2015).
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from aevb.distributions import Bernoulli, DiagonalNormal
from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["ACTIVE", "COLLAPSED", "InformationEstimate", "Units", "information", "log_aggregate", "units", "verdict"]

ACTIVE = 0.01
"""Variance over images of a posterior mean above which its dimension is an active unit (Burda et al.)."""

COLLAPSED = 0.1
"""Nats of KL(q(z|x) || p(z)) below which, with no unit active, the posterior has collapsed onto the prior."""

PAIRS = 10_000_000  # of (draw, image) at once: 80 MB


class InformationEstimate(NamedTuple):
    """Per image, nats, (N,): bound = reconstruction - kl and kl = mutual_information + marginal_kl."""

    bound: Tensor
    reconstruction: Tensor
    kl: Tensor
    mutual_information: Tensor
    marginal_kl: Tensor


class Units(NamedTuple):
    """Per latent dimension, (J,), float64.

    kl: nats, mean over images of KL(q(z_j|x) || p(z_j)); their sum is the bound's KL. variance: over images, of the posterior
    mean. log_var: (N, J) log-variances of q, of binary z log rho (1 - rho).
    """

    kl: Tensor
    variance: Tensor
    log_var: Tensor

    @property
    def active(self) -> Tensor:
        """Which are active units, (J,) bool."""
        return self.variance > ACTIVE


@torch.no_grad()
def information(model: VAE, x: Tensor, noise: Noise, samples: int = 1, rows: int = 1000) -> InformationEstimate:
    """The surgery over the images x (N, D), all of them at once: they are the mixture.

    samples: L draws of q(z|x) an image. rows: images encoded or decoded at once. Cost: L N^2 J multiplications, in float64 on the
    CPU, and L N decodings.
    """
    qz_x, pz = _posteriors(model, x, rows), model.prior()
    kl = qz_x.kl(pz)
    reconstruction, mutual_information = torch.zeros_like(kl), torch.zeros_like(kl)
    for _ in range(samples):
        z = qz_x.sample(noise)
        parts = zip(z.split(rows), x.split(rows), strict=True)
        reconstruction += torch.cat([model.decoder(z_part).log_prob(x_part) for z_part, x_part in parts]) / samples
        log_qz = log_aggregate(z, qz_x).to(kl.device, kl.dtype)
        mutual_information += (qz_x.log_prob(z) - log_qz) / samples
    return InformationEstimate(reconstruction - kl, reconstruction, kl, mutual_information, kl - mutual_information)


def log_aggregate(z: Tensor, qz_x: DiagonalNormal | Bernoulli) -> Tensor:
    """log q(z) = log 1/N sum_n q(z|x_n) at each row of z (M, J), (M,) float64 on the CPU.

    Every pair (m, n) by matrix products (`log_prob_of_all`).
    """
    z, n = z.to("cpu", torch.float64), len(qz_x.mean)
    q: DiagonalNormal | Bernoulli
    if isinstance(qz_x, Bernoulli):
        q = Bernoulli(qz_x.logits.to("cpu", torch.float64))
    else:
        q = DiagonalNormal(*(tensor.to("cpu", torch.float64) for tensor in (qz_x.mean, qz_x.log_var)))
    parts = z.split(max(1, PAIRS // n))
    return torch.cat([q.log_prob_of_all(part).logsumexp(0) - math.log(n) for part in parts])


@torch.no_grad()
def units(model: VAE, x: Tensor, rows: int = 1000) -> Units:
    """What each latent dimension carries, over the images x (N, D)."""
    qz_x, pz = _posteriors(model, x, rows), model.prior()
    kl = _one_by_one(qz_x).kl(_one_by_one(pz)).mean(0)
    variance = qz_x.mean.var(0, unbiased=False)
    return Units(*(tensor.to("cpu", torch.float64) for tensor in (kl, variance, qz_x.log_var)))


def verdict(found: Units) -> str:
    """One of: "collapsed", KL below 0.1 nat and no active unit; "no unit active", and yet the KL is paid; "partly collapsed",
    some units not active; "all units active"; "diverged", the KL is not finite."""
    active = int(found.active.sum())
    if not found.kl.sum().isfinite():
        return "diverged"
    if active == 0:
        return "collapsed" if found.kl.sum() < COLLAPSED else "no unit active"
    return "all units active" if active == len(found.kl) else "partly collapsed"


def _one_by_one(distribution: Any) -> Any:
    """Over (..., J) as J distributions over one dimension each."""
    if isinstance(distribution, Bernoulli):
        return Bernoulli(distribution.logits[..., None])
    return DiagonalNormal(distribution.mean[..., None], distribution.log_var[..., None])


def _posteriors(model: VAE, x: Tensor, rows: int) -> Any:
    parts = [model.encoder(part) for part in x.split(rows)]
    if isinstance(parts[0], Bernoulli):
        return Bernoulli(torch.cat([part.logits for part in parts]))
    log_var = torch.cat([part.log_var.expand_as(part.mean) for part in parts])
    return DiagonalNormal(torch.cat([part.mean for part in parts]), log_var)
