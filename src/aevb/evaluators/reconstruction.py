r"""How much of an image its code keeps: x against the mean of p(x|z) at z = the mean of q(z|x).

    squared_error = |x - x'|^2,   mean_square_error = squared_error / D,   log_px_z = log p(x | z)

For every model with an encoder, a plain autoencoder's too; two models are compared on one scale, whatever their likelihoods.
"""

import torch
from torch import Tensor

from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveInt

__all__ = ["Reconstruction"]


class Reconstruction(Evaluator):
    """Per image: squared_error (of the sum over pixels), mean_square_error (a pixel), log_px_z (nats). batch_size: images in a block."""

    name = "reconstruction"
    primary_value = "squared_error"

    def __init__(self, batch_size: PositiveInt = 1000) -> None:
        self.images = batch_size

    @property
    def needs_encoder(self) -> bool:
        """For the code."""
        return True

    @property
    def needs_density(self) -> bool:
        """A point will do."""
        return False

    @torch.no_grad()
    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """squared_error, mean_square_error, log_px_z."""
        px_z = model.decoder(model.code(x))
        error = ((x - px_z.mean) ** 2).sum(-1)
        return {"squared_error": error, "mean_square_error": error / x.shape[-1], "log_px_z": px_z.log_prob(x)}

    @property
    def settings(self) -> dict[str, int | float | str]:
        """None that matter."""
        return {}
