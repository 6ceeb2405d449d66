"""Linear-Gaussian models whose p(z) is a mixture of normals: log p(x) is known in closed form, in float64."""

import torch
from torch import Tensor
from torch import distributions as td

from aevb.models.linear import LinearGaussianDecoder, LinearGaussianEncoder
from aevb.models.mixture_prior import MixturePrior
from aevb.models.vae import VAE
from helpers.oracles import D, fill

__all__ = ["log_px", "mixture_of_factors"]


def mixture_of_factors(dims: int = 2, components: int = 3, far: float = 0.0) -> VAE:
    """Return a model with D pixels whose components are about 2 apart; `far` moves the last of them out by that much."""
    generator = torch.Generator().manual_seed(3)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    encoder, decoder = LinearGaussianEncoder(D, dims).double(), LinearGaussianDecoder(D, dims).double()
    prior = MixturePrior(dims, components).double()
    fill(decoder.mean.weight, normal(D, dims))
    fill(decoder.mean.bias, normal(D))
    fill(decoder.log_var, torch.tensor([-0.7], dtype=torch.float64))
    fill(encoder.mean.weight, 0.3 * normal(dims, D))
    fill(encoder.mean.bias, 0.3 * normal(dims))
    fill(prior.logits, normal(components))
    fill(prior.mean, 2 * normal(components, dims))
    fill(prior.log_var, -1 + 0.5 * normal(components, dims))
    with torch.no_grad():
        prior.mean[-1] += far
    return VAE(encoder, decoder, prior)


def log_px(model: VAE, x: Tensor) -> Tensor:
    """log sum_k pi_k N(x; W mu_k + b, W S_k W' + s^2 I), (n,)."""
    pz, weight, bias = model.prior(), model.decoder.mean.weight, model.decoder.mean.bias
    variances = pz.components.log_var.exp()
    covariance = weight @ torch.diag_embed(variances) @ weight.T + model.decoder.log_var.exp() * torch.eye(D).double()
    normal = td.MultivariateNormal(pz.components.mean @ weight.T + bias, covariance)
    return td.MixtureSameFamily(td.Categorical(logits=pz.logits), normal).log_prob(x).detach()
