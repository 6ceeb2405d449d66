"""Importance sampling as one writes it down: an image at a time, torch.distributions, cross-entropy on logits."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Normal

from aevb.models.vae import VAE
from benchmarks.benchmark_model import BenchmarkModel
from benchmarks.gate import Gate
from benchmarks.trained_model import load_trained

__all__ = ["log_px", "loop"]


@torch.no_grad()
def log_px(model: VAE, x: Tensor, samples: int) -> Tensor:
    """log p(x) of one image x (D,), a scalar: log 1/K sum_k p(z_k) p(x|z_k) / q(z_k|x)."""
    qz_x = model.encoder(x)
    q, prior = Normal(qz_x.mean, torch.exp(0.5 * qz_x.log_var)), Normal(torch.zeros(()), torch.ones(()))
    z = q.sample((samples,))
    logits = model.decoder(z).logits
    log_px_z = -F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)
    log_w = prior.log_prob(z).sum(-1) + log_px_z - q.log_prob(z).sum(-1)
    return log_w.logsumexp(0) - math.log(samples)


def loop(spec: BenchmarkModel, gate: Gate) -> None:
    """The same images over and over."""
    model = load_trained(spec)
    x = torch.from_numpy(spec.dataset().load().test.x[: spec.unit].copy())
    torch.manual_seed(spec.seed)
    gate.open()
    while True:
        for image in x:
            log_px(model, image, spec.samples).item()
            gate()
