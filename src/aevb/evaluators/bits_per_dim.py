"""Bits per dimension over a split, for Gaussian decoders of grey levels (Frey Face)."""

from torch import Tensor

from aevb.estimators.bits_per_dim import bits_per_dim
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveInt

__all__ = ["BitsPerDim"]


class BitsPerDim(Evaluator):
    """aevb.estimators.bits_per_dim per image. scale: s of x = k/s. batch_size: images in a block."""

    name = "bits_per_dim"
    primary_value = "dequantised_bits_per_dim"

    def __init__(self, scale: PositiveInt = 256, batch_size: PositiveInt = 1000) -> None:
        self.scale, self.images = scale, batch_size

    @property
    def needs_encoder(self) -> bool:
        """Its bounds are q's."""
        return True

    @property
    def latents(self) -> tuple[str, ...]:
        """Whose KL divergence is written out."""
        return ("normal", "binary")

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """density_bits_per_dim, dequantised_bits_per_dim, discretised_bits_per_dim, mass_outside."""
        return bits_per_dim(model, x, noise, self.scale)._asdict()

    @property
    def settings(self) -> dict[str, int | float | str]:
        """s."""
        return {"scale": self.scale}
