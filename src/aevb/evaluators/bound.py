"""The lower bound over a split, with its reconstruction and KL parts."""

from torch import Tensor

from aevb.estimators.bound import bound
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveInt

__all__ = ["Bound"]


class Bound(Evaluator):
    """aevb.estimators.bound per image. samples: L. batch_size: images in a block."""

    name = "bound"
    primary_value = "bound"
    direction = "lower bound"

    def __init__(self, samples: PositiveInt = 1, batch_size: PositiveInt = 1000) -> None:
        self.samples, self.images = samples, batch_size

    @property
    def needs_encoder(self) -> bool:
        """The bound is q's."""
        return True

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """bound, reconstruction, kl."""
        return bound(model, x, noise, self.samples)._asdict()

    @property
    def settings(self) -> dict[str, int | float | str]:
        """L."""
        return {"samples": self.samples}
