r"""The wake-sleep algorithm (Hinton et al. 1995), which section 5 compares to AEVB.

    repeat
        X^M <- random minibatch of M datapoints
        wake:   z ~ q(z|x);                       theta <- one ascent step on  mean log p(x, z)     (+ log p(theta) / N)
        sleep:  z ~ p(z), x' ~ p(x|z), M dreams;  phi   <- one ascent step on  mean log q(z|x')

Both networks are updated at each minibatch, each by its own optimizer. The wake phase ascends the
lower bound with respect to theta. The sleep phase descends KL(p(z|x) || q(z|x)), averaged over
dreams (samples of the model): the opposite direction of the KL divergence of the bound, so that no
bound on the data is optimised. Dreams are sampled even where the data are grey: the encoder is
trained on binary images and used on grey ones, as in the authors' code. With dreams=means the
encoder is trained on E[x'|z], which is grey too; this is not the wake-sleep algorithm of the model,
but it measures what the difference costs. The authors' code clips the draws of a Gaussian decoder
whose mean is in (0, 1) to [0, 1] (dreams=clipped), and has the prior on the encoder's weights as well
(prior_on=both).
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
    """The wake phase and the sleep phase of one minibatch.

    It requires neither reparameterised samples nor a closed-form KL divergence. The reported bound
    is the mean of log p(x, z) - log q(z|x) at the z of the wake phase.

    Args:
        weight_prior: Precision of the prior on the weights (see `Objective`).
        dreams: What the encoder is trained on: "samples" of p(x|z), samples that are "clipped" to [0, 1], or the
            "means" of p(x|z).
        prior_on: Whose weights have the prior: those of the "decoder" alone, or of "both" networks.
    """

    capturable = True
    draws_images = True
    in_turns = True
    weight_prior_of: tuple[str, ...] = ("theta",)

    def __init__(
        self,
        weight_prior: NonNegativeFloat = 1.0,
        dreams: Literal["samples", "clipped", "means"] = "samples",
        prior_on: Literal["decoder", "both"] = "decoder",
    ) -> None:
        super().__init__(weight_prior)
        self.dreams = dreams
        if prior_on == "both":
            self.weight_prior_of = ("theta", "phi")

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta, then one of phi, for one minibatch (see `Objective.forward`)."""
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
        """Draw from the model.

        Args:
            model: The model p(x, z).
            count: Number of draws.
            noise: The random numbers.

        Returns:
            z ~ p(z), (count, J), and x' ~ p(x|z), clipped or not, or its mean, (count, D).
        """
        z = model.sample_prior(count, noise)
        px_z = model.decoder(z)
        if self.dreams == "means":
            return z, px_z.mean
        x = px_z.sample(noise)
        return z, x.clamp(0, 1) if self.dreams == "clipped" else x
