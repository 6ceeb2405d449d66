"""The lower bound for the images of a split, with its reconstruction term and its KL divergence."""

from torch import Tensor

from aevb.estimators.bound import bound
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveInt

__all__ = ["Bound"]


class Bound(Evaluator):
    """The lower bound for each image (eq. 3; see `aevb.estimators.bound`).

    Args:
        samples: Number of draws of z per image, L.
        batch_size: Number of images per block.
    """

    name = "bound"
    primary_value = "bound"
    direction = "lower bound"

    def __init__(self, samples: PositiveInt = 1, batch_size: PositiveInt = 1000) -> None:
        self.samples, self.images = samples, batch_size

    @property
    def needs_encoder(self) -> bool:
        """Whether the evaluator uses q(z|x)."""
        return True

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Estimate the lower bound of each image.

        Args:
            model: The model.
            x: Images, (M, D).
            noise: The random stream of each image.

        Returns:
            bound, reconstruction and kl, each (M,), in nats.
        """
        return bound(model, x, noise, self.samples)._asdict()

    @property
    def settings(self) -> dict[str, int | float | str]:
        """The number of draws L."""
        return {"samples": self.samples}
