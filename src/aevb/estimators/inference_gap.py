r"""The inference gap of a fixed model and its two parts (Cremer, Li & Duvenaud 2018).

    log p(x) - L[q]  =  (log p(x) - L[q*])  +  (L[q*] - L[q])
      inference gap     approximation gap      amortisation gap

q is the encoder's q(z|x), and q* is the best diagonal normal for one image. The approximation gap is
due to the family of q; the amortisation gap is due to the use of one network for all images. q* is
found by Adam on (mu, log sigma^2) of each image. The optimisation starts from the encoder's output,
and the learning rate decreases linearly to zero. Both bounds are then estimated with the same new
draws.

log p(x) is importance-sampled from q*. It is a stochastic LOWER bound, so the approximation gap is
too small if the effective sample size is small. If the optimisation of q* has not converged, the
approximation gap is too LARGE and the amortisation gap is too small.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from aevb.distributions import DiagonalNormal
from aevb.estimators.importance import importance
from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["GapEstimate", "best_posterior", "inference_gap"]


class GapEstimate(NamedTuple):
    """The inference gap of each image and its parts.

    Attributes:
        inference_gap: log p(x) - L[q], (M,), nats per image.
        approximation_gap: log p(x) - L[q*], (M,), nats per image.
        amortisation_gap: L[q*] - L[q], (M,), nats per image.
        bound: The lower bound L[q], (M,), nats per image.
        best_bound: The lower bound L[q*], (M,), nats per image.
        log_px: log p(x), importance-sampled from q*, (M,), nats per image.
        effective_samples: Effective sample size of `log_px`, (M,).
    """

    inference_gap: Tensor
    approximation_gap: Tensor
    amortisation_gap: Tensor
    bound: Tensor
    best_bound: Tensor
    log_px: Tensor
    effective_samples: Tensor


def inference_gap(
    model: VAE,
    x: Tensor,
    noise: Noise,
    *,
    steps: int = 500,
    draws: int = 10,
    lr: float = 0.03,
    samples: int = 1000,
    batch_size: int = 1000,
) -> GapEstimate:
    """Estimate the inference gap of each image and its two parts (Cremer et al. 2018).

    The cost per image is steps x draws decodings with their gradient and 3 K decodings without.

    Args:
        model: A model with a Gaussian q(z|x).
        x: Images, (M, D).
        noise: Source of the draws.
        steps: Number of Adam steps for q*.
        draws: Number of draws of z per gradient of the optimisation.
        lr: Initial learning rate of the optimisation.
        samples: Number of draws for both bounds and of importance samples for log p(x), K.
        batch_size: Maximum number of latent vectors decoded at once, approximately.

    Returns:
        The gap of each image.
    """
    q, best = _expanded(model.encoder(x)), best_posterior(model, x, noise, steps, draws, lr)
    with torch.no_grad():
        bound, best_bound = torch.zeros_like(x[:, 0]), torch.zeros_like(x[:, 0])
        chunk = max(1, batch_size // len(x))
        for start in range(0, samples, chunk):
            eps = noise.normal((min(chunk, samples - start), *q.mean.shape), q.mean.dtype)
            bound += _reconstruction(model, q, x, eps).sum(0) / samples
            best_bound += _reconstruction(model, best, x, eps).sum(0) / samples
        pz = model.prior()
        bound, best_bound = bound - q.kl(pz), best_bound - best.kl(pz)
    estimate = importance(VAE(_FixedPosterior(best), model.decoder, model.prior), x, noise, samples, batch_size)
    log_px = estimate.log_px.to(bound)
    return GapEstimate(
        inference_gap=log_px - bound,
        approximation_gap=log_px - best_bound,
        amortisation_gap=best_bound - bound,
        bound=bound,
        best_bound=best_bound,
        log_px=log_px,
        effective_samples=estimate.effective_samples,
    )


def best_posterior(model: VAE, x: Tensor, noise: Noise, steps: int, draws: int, lr: float) -> DiagonalNormal:
    """Find the diagonal normal that maximises the lower bound of each image, q*(z|x).

    Each image is optimised independently. The parameters of the model and their gradients do not change.

    Args:
        model: A model with a Gaussian q(z|x).
        x: Images, (M, D).
        noise: Source of the draws.
        steps: Number of Adam steps.
        draws: Number of draws of z per gradient.
        lr: Initial learning rate; it decreases linearly to zero.

    Returns:
        q*(z|x) over (M, J).
    """
    with torch.enable_grad():
        start, pz = _expanded(model.encoder(x)), model.prior()
        mean, log_var = start.mean.detach().clone().requires_grad_(), start.log_var.detach().clone().requires_grad_()
        optimizer = torch.optim.Adam([mean, log_var], lr=lr)
        for t in range(steps):
            optimizer.param_groups[0]["lr"] = lr * (1 - t / steps)
            q = DiagonalNormal(mean, log_var)
            eps = noise.normal((draws, *mean.shape), mean.dtype)
            bound = _reconstruction(model, q, x, eps).mean(0) - q.kl(pz)
            mean.grad, log_var.grad = torch.autograd.grad(-bound.sum(), (mean, log_var))
            optimizer.step()
    return DiagonalNormal(mean.detach(), log_var.detach())


def _reconstruction(model: VAE, q: DiagonalNormal, x: Tensor, eps: Tensor) -> Tensor:
    return model.decoder(q.mean + q.scale * eps).log_prob(x)


def _expanded(q: DiagonalNormal) -> DiagonalNormal:
    return DiagonalNormal(q.mean, q.log_var.expand_as(q.mean))


class _FixedPosterior(nn.Module):
    """An encoder that returns a fixed q(z|x)."""

    def __init__(self, q: DiagonalNormal) -> None:
        super().__init__()
        self.q = q

    def forward(self, x: Tensor) -> DiagonalNormal:
        return self.q
