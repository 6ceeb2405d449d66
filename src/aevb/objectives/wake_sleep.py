r"""The wake-sleep algorithm (Hinton et al. 1995), the rival of the paper's section 5.

    repeat
        X^M <- random minibatch of M datapoints
        wake:   z ~ q(z|x);                       theta <- one step up  mean log p(x, z)     (+ log p(theta) / N)
        sleep:  z ~ p(z), x' ~ p(x|z), M dreams;  phi   <- one step up  mean log q(z|x')

Both networks move at each minibatch, each by its own optimiser. Wake ascends the lower bound in theta; sleep descends
KL(p(z|x) || q(z|x)) averaged over dreams, the wrong way round, and so no bound of the data. Dreams are sampled, also where the
data are grey: the encoder is trained on binary images and used on grey ones, as in the authors' code. With dreams=means it is
trained on E[x'|z], which is grey too; that is no wake-sleep algorithm of the model any more, but tells what the difference costs.
"""

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor

from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.objectives.objective import Batch, Objective, Update
from aevb.types import NonNegativeFloat

__all__ = ["WakeSleep"]


class WakeSleep(Objective):
    """Wake and sleep phase of one minibatch. Needs no q(z|x) that can be reparameterised, and no closed-form KL.

    weight_prior: see `Objective`; of the decoder's weights alone. dreams: what the encoder is trained on. The bound it reports is
    log p(x, z) - log q(z|x) at the one z of the wake phase.
    """

    capturable = True
    weight_prior_of = ("theta",)

    def __init__(self, weight_prior: NonNegativeFloat = 1.0, dreams: Literal["samples", "means"] = "samples") -> None:
        super().__init__(weight_prior)
        self.dreams = dreams

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """One minibatch, one update of theta, then one of phi."""
        x, _, noise = next(stream)
        with torch.no_grad():
            qz_x = model.encoder(x)
            z = qz_x.sample(noise)
            log_qz_x = qz_x.log_prob(z).mean()
        log_pxz = model.log_joint(x, z).mean()
        yield Update(-log_pxz, ("theta",), len(x), {"bound": log_pxz.detach() - log_qz_x})

        with torch.no_grad():
            z, dream = self.dream(model, len(x), noise)
        yield Update(-model.encoder(dream).log_prob(z).mean(), ("phi",), 0, {})

    @torch.no_grad()
    def dream(self, model: VAE, count: int, noise: Noise) -> tuple[Tensor, Tensor]:
        """z ~ p(z), (count, J), and x' ~ p(x|z) or its mean, (count, D)."""
        z = model.sample_prior(count, noise)
        px_z = model.decoder(z)
        return z, px_z.sample(noise) if self.dreams == "samples" else px_z.mean
