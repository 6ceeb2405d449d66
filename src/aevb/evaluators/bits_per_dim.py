"""Bits per dimension for the images of a split, for Gaussian decoders of grey levels (Frey Face)."""

from torch import Tensor

from aevb.estimators.bits_per_dim import bits_per_dim, check_levels
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveInt

__all__ = ["BitsPerDim"]


class BitsPerDim(Evaluator):
    """Bits per dimension for each image (see `aevb.estimators.bits_per_dim`).

    Args:
        scale: Number of grey levels s, for data x = k/s.
        batch_size: Number of images per block.
    """

    name = "bits_per_dim"
    primary_value = "dequantised_bits_per_dim"
    needs_image_density = True

    def __init__(self, scale: PositiveInt = 256, batch_size: PositiveInt = 1000) -> None:
        self.scale, self.images = scale, batch_size

    @property
    def needs_encoder(self) -> bool:
        """Whether the evaluator uses q(z|x)."""
        return True

    def unsupported(self, model: VAE) -> tuple[str, tuple[str, ...]] | None:
        """Return why a model is not supported: its p(x|z) must be a density.

        Args:
            model: The model.
        """
        if model.likelihood == "bernoulli":
            return "the decoder is Bernoulli, whose p(x|z) is no density", ("bound", "importance")
        return super().unsupported(model)

    def check_images(self, model: VAE, x: Tensor) -> None:
        """Check that the images are levels of grey (see `aevb.estimators.bits_per_dim.check_levels`).

        Args:
            model: The model.
            x: Images, (n, D).

        Raises:
            UserError: If they are not.
        """
        check_levels(model.split(x)[0], self.scale)

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Compute the bits per dimension of each image.

        Args:
            model: The model.
            x: Images, (M, D).
            noise: The random stream of each image.

        Returns:
            density_bits_per_dim, dequantised_bits_per_dim, discretised_bits_per_dim (bits per pixel) and
            mass_outside (the probability outside [0, 1]), each (M,).
        """
        return bits_per_dim(model, x, noise, self.scale)._asdict()

    @property
    def settings(self) -> dict[str, int | float | str]:
        """The scale s."""
        return {"scale": self.scale}
