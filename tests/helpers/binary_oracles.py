"""Models of a few binary latent variables, in float64, and answers about them by enumeration."""

import torch
from torch import Tensor

from aevb.estimators.enumeration import codes
from aevb.models.bernoulli import BernoulliDecoder, BernoulliEncoder
from aevb.models.prior import BernoulliPrior
from aevb.models.vae import VAE
from helpers.oracles import fill

PIXELS = 9


def binary(dims: int, scale: float = 0.7, seed: int = 0, hidden: int = 6) -> VAE:
    """Random networks with 9 pixels, `dims` latents and a prior that is not uniform; scale: of all parameters."""
    generator = torch.Generator().manual_seed(seed)
    prior = BernoulliPrior(dims, learnt=True)
    model = VAE(BernoulliEncoder(PIXELS, dims, hidden), BernoulliDecoder(PIXELS, dims, hidden), prior).double()
    for parameter in model.parameters():
        fill(parameter, scale * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return model


def images(n: int = 7, seed: int = 1) -> Tensor:
    """Grey rows, (n, 9): a gradient with respect to the weight of a pixel that is 0 would have no noise to test it by."""
    return 0.1 + 0.8 * torch.rand((n, PIXELS), generator=torch.Generator().manual_seed(seed)).double()


def exact_bound(model: VAE, x: Tensor) -> Tensor:
    """sum_z q(z|x) [log p(x, z) - log q(z|x)] of each row, code by code, with its gradient."""
    q, total = model.encoder(x), torch.zeros_like(x[:, 0])
    for z in codes(model.encoder.logits.out_features, x):
        log_q = q.log_prob(z)
        total = total + log_q.exp() * (model.log_joint(x, z.expand(len(x), -1)) - log_q)
    return total
