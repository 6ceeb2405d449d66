r"""The posterior predictive density of a model that has a q(theta) (appendix F).

    log p(x | X) ~ log 1/S sum_s p(x | theta^(s)),   theta^(s) ~ q(theta)

Here p(x|theta) is estimated by importance sampling (aevb.estimators.importance). All images share
the S draws of theta, so the result is the density of one mixture of S networks. Both averages are
inside the logarithm, so the result is a stochastic lower bound of the log density under q(theta); in
expectation it increases with S and K. q(theta) is itself an approximation of p(theta|X). An
estimator that receives only the model evaluates one network, that with the mean of q(theta); its
density can be larger or smaller.
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
    """The posterior predictive density of each image, float64.

    Attributes:
        log_px: Logarithm of the mean density over the draws of theta, (M,), nats per image.
        mean_log_px: Mean of the log densities, (M,), nats per image; never larger than `log_px`.
        spread: Standard deviation over the draws of theta of the estimate of log p(x|theta), (M,), nats per image. It
            contains the error of importance sampling, which falls with K, and so does `log_px` minus `mean_log_px`.
    """

    log_px: Tensor
    mean_log_px: Tensor
    spread: Tensor


@torch.no_grad()
def predictive(
    model: VAE, x: Tensor, noise: Noise, draws: int = 20, samples: int = 50, batch_size: int = 1000
) -> PredictiveEstimate:
    """Estimate log p(x|X) of each image (appendix F).

    theta^(s) depends only on s and on the seed of the noise, and on no draw of training.

    Args:
        model: A model with a q(theta).
        x: Images, (M, D).
        noise: Source of the draws of theta and z.
        draws: Number of draws of theta, S.
        samples: Number of importance samples per image and draw of theta, K.
        batch_size: Maximum number of latent vectors decoded at once, approximately.

    Returns:
        The predictive density of each image.
    """
    assert model.theta_posterior is not None
    q_theta = model.theta_posterior(model.decoder)
    each = []
    for s in range(draws):
        theta = q_theta.sample(Noise(noise.seed, "predictive theta", s, device=x.device), 1)[0]
        drawn = VAE(model.encoder, SampledDecoder(model.decoder, theta), model.prior)
        each.append(importance(drawn, x, noise, samples, batch_size).log_px)
    log_px = torch.stack(each)
    spread = log_px.std(0, correction=min(1, draws - 1))
    return PredictiveEstimate(log_px.logsumexp(0) - math.log(draws), log_px.mean(0), spread)
