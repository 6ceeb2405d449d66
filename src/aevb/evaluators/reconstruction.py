r"""The reconstruction error: x compared with x', the mean of p(x|z) at the mean z of q(z|x).

    squared_error = |x - x'|^2,   mean_square_error = squared_error / D,   log_px_z = log p(x | z)

The evaluator supports every model with an encoder, including a plain autoencoder. The errors of two
models have the same scale, whatever their likelihoods are.
"""

import torch
from torch import Tensor

from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveInt

__all__ = ["Reconstruction"]


class Reconstruction(Evaluator):
    """The reconstruction error of each image.

    Args:
        batch_size: Number of images per block.
    """

    name = "reconstruction"
    primary_value = "squared_error"

    def __init__(self, batch_size: PositiveInt = 1000) -> None:
        self.images = batch_size

    @property
    def needs_encoder(self) -> bool:
        """Whether the evaluator uses q(z|x)."""
        return True

    @property
    def needs_density(self) -> bool:
        """Whether the evaluator uses log q(z|x): it does not, q(z|x) may be a point."""
        return False

    @torch.no_grad()
    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Compute the reconstruction error of each image.

        Args:
            model: The model.
            x: Images, (M, D).
            noise: The random stream of each image.

        Returns:
            squared_error (the sum over the pixels), mean_square_error (the mean over the pixels) and log_px_z
            (nats), each (M,).
        """
        px_z, pixels = model.decode(model.code(x), x), model.split(x)[0]
        error = ((pixels - px_z.mean) ** 2).sum(-1)
        return {
            "squared_error": error,
            "mean_square_error": error / pixels.shape[-1],
            "log_px_z": px_z.log_prob(pixels),
        }

    @property
    def settings(self) -> dict[str, int | float | str]:
        """The empty dictionary: no setting changes the values."""
        return {}
