"""The KL divergence of a split in three parts: mutual information, total correlation and dimension-wise KL."""

import math
import sys

from torch import Tensor

from aevb.estimators.mutual_information import is_near_ceiling
from aevb.estimators.total_correlation import decomposition
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveInt

__all__ = ["TotalCorrelation"]


class TotalCorrelation(Evaluator):
    """How far the dimensions of z are from independent under the aggregate posterior.

    All images of the split are evaluated together, because they form the aggregate posterior. The
    estimator is in `aevb.estimators.total_correlation`.

    Args:
        samples: Number of draws of z per image, L.
        batch_size: Number of images that are encoded at the same time.
    """

    name = "total_correlation"
    primary_value = "total_correlation"
    images = sys.maxsize  # one block: the value of an image depends on all other images

    def __init__(self, samples: PositiveInt = 1, batch_size: PositiveInt = 1000) -> None:
        self.samples, self.batch_size = samples, batch_size

    @property
    def needs_encoder(self) -> bool:
        """Whether the evaluator uses q(z|x)."""
        return True

    @property
    def latents(self) -> tuple[str, ...]:
        """The supported kinds of z (see `Evaluator.latents`): the aggregate posterior needs a density of each dimension."""
        return ("normal", "binary")

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Estimate the parts of the KL divergence of each image.

        Args:
            model: The model.
            x: Images, (M, D).
            noise: The random stream of each image.

        Returns:
            total_correlation, mutual_information, dimension_kl, and kl, their sum, each (M,), in nats.
        """
        parts = decomposition(model, x, noise, self.samples, self.batch_size)._asdict()
        return {**parts, "kl": sum(parts.values(), start=x.new_zeros(len(x)))}

    def summary(self, model: VAE, x: Tensor, values: dict[str, Tensor]) -> dict[str, str]:
        """Say what the KL divergence consists of.

        Args:
            model: The model.
            x: All images of the split, (n, D).
            values: The values of all images by name, each (n,).

        Returns:
            verdict: one sentence.
        """
        kl, information, correlation, dimensions = (
            values[name].mean() for name in ("kl", "mutual_information", "total_correlation", "dimension_kl")
        )
        ceiling = math.log(len(x))
        warning = "; the mutual information is near log N, so the total correlation is too large: evaluate more images"
        return {
            "verdict": f"KL {kl:.2f} nats = mutual information {information:.2f} (at most log N = {ceiling:.2f}) + total "
            f"correlation {correlation:.2f} + KL of the dimensions {dimensions:.2f}"
            f"{warning if is_near_ceiling(information.item(), ceiling) else ''}"
        }

    @property
    def settings(self) -> dict[str, int | float | str]:
        """The number of draws L."""
        return {"samples": self.samples}
