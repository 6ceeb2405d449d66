r"""The inference gap of a fixed model and where it comes from (Cremer, Li & Duvenaud 2018).

    log p(x) - L[q]  =  (log p(x) - L[q*])  +  (L[q*] - L[q])
      inference gap     approximation gap      amortisation gap

q is the encoder's q(z|x), q* the best diagonal normal for this one image: the first part is the price of the family, the second
that of one network for all images. q* is found by Adam on (mu, log sigma^2) of each image, from the encoder's answer, with a
step size that falls linearly to zero; then both bounds are measured with the same fresh draws.

log p(x) is importance-sampled from q*, a stochastic LOWER bound, which makes the approximation gap too small where the effective
samples are few. A q* not quite reached makes it too LARGE and the amortisation gap too small.
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
    """Per image, nats, (M,). bound: L[q]. best_bound: L[q*]. log_px, effective_samples: importance sampling from q*."""

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
    rows: int = 1000,
) -> GapEstimate:
    """The gap of each row of x (M, D) in its two parts.

    steps, draws, lr: of the optimisation (`best_posterior`). samples: K, draws behind both bounds and behind log p(x). rows:
    latent samples decoded at once. Cost: steps x draws decodings with their gradient, and 3 K without, an image.
    """
    q, best = _expanded(model.encoder(x)), best_posterior(model, x, noise, steps, draws, lr)
    with torch.no_grad():
        bound, best_bound = torch.zeros_like(x[:, 0]), torch.zeros_like(x[:, 0])
        chunk = max(1, rows // len(x))
        for start in range(0, samples, chunk):
            eps = noise.normal((min(chunk, samples - start), *q.mean.shape), q.mean.dtype)
            bound += _reconstruction(model, q, x, eps).sum(0) / samples
            best_bound += _reconstruction(model, best, x, eps).sum(0) / samples
        pz = model.prior()
        bound, best_bound = bound - q.kl(pz), best_bound - best.kl(pz)
    estimate = importance(VAE(_Given(best), model.decoder, model.prior), x, noise, samples, rows)
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
    """q*(z|x) = argmax of the bound over diagonal normals, one for each row of x (M, D).

    steps: of Adam. draws: of z behind each of its gradients. lr: its first step size. Rows do not know of one another. The model's
    parameters and their gradients are left alone.
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


class _Given(nn.Module):
    """An encoder that knows the answer."""

    def __init__(self, q: DiagonalNormal) -> None:
        super().__init__()
        self.q = q

    def forward(self, x: Tensor) -> DiagonalNormal:
        return self.q
