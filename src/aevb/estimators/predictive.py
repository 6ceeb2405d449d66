r"""The posterior predictive density of a model that has a q(theta) (appendix F).

    log p(x | X) ~ log 1/S sum_s p(x | theta^(s)),   theta^(s) ~ q(theta)

with p(x|theta) importance-sampled (aevb.estimators.importance). The S draws of theta are shared by all images: the result is that
of one mixture of S networks. Both averages stand inside the logarithm, so it is a stochastic lower bound of the density under
q(theta) and rises with S and K; q(theta) itself approximates p(theta|X). An estimator that sees the model alone sees one network,
that of the mean of q(theta), whose density may lie above or below.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from aevb.estimators.importance import importance
from aevb.models.vae import VAE
from aevb.models.weight_posterior import SampledDecoder
from aevb.noise import Noise

__all__ = ["PredictiveEstimate", "predictive"]


class PredictiveEstimate(NamedTuple):
    """Per image, (M,), float64, nats. log_px: log of the mean over draws of theta. mean_log_px: mean of the logs, never above.
    spread: standard deviation over draws of log p(x|theta)."""

    log_px: Tensor
    mean_log_px: Tensor
    spread: Tensor


@torch.no_grad()
def predictive(
    model: VAE, x: Tensor, noise: Noise, draws: int = 20, samples: int = 50, rows: int = 1000
) -> PredictiveEstimate:
    """log p(x|X) of each row of x (M, D) from `draws` (S) networks and `samples` (K) draws of q(z|x) for each of them.

    theta^(s) is a function of the noise's seed and s alone. rows: decoded at once.
    """
    assert model.theta_posterior is not None
    q_theta = model.theta_posterior(model.decoder)
    each = []
    for s in range(draws):
        theta = q_theta.sample(Noise(noise.seed, "theta", s, device=x.device), 1)[0]
        drawn = VAE(model.encoder, SampledDecoder(model.decoder, theta), model.prior)
        each.append(importance(drawn, x, noise, samples, rows).log_px)
    log_px = torch.stack(each)
    spread = log_px.std(0, correction=min(1, draws - 1))
    return PredictiveEstimate(log_px.logsumexp(0) - math.log(draws), log_px.mean(0), spread)
