"""The decomposition of the lower bound for a split (ELBO surgery).

The summary describes the activity of each latent dimension.
"""

import math
import sys
from typing import Any

import numpy as np
from torch import Tensor

from aevb.estimators.mutual_information import ACTIVE, information, is_near_ceiling, units, verdict
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveInt

__all__ = ["Information"]

BIN = 0.25  # the width of a bin of log sigma^2


class Information(Evaluator):
    """The mutual information between x and z, and the other terms of the lower bound, for each image.

    All images of the split are evaluated together, because they form the aggregate posterior. The
    estimator is in `aevb.estimators.mutual_information`.

    Args:
        samples: Number of draws of z per image, L.
        batch_size: Number of images that are encoded or decoded at the same time.
    """

    name = "information"
    primary_value = "mutual_information"
    marked = ("active_units",)
    images = sys.maxsize  # one block: the value of an image depends on all other images

    def __init__(self, samples: PositiveInt = 1, batch_size: PositiveInt = 1000) -> None:
        self.samples, self.batch_size = samples, batch_size

    @property
    def needs_encoder(self) -> bool:
        """Whether the evaluator uses q(z|x)."""
        return True

    @property
    def latents(self) -> tuple[str, ...]:
        """The supported kinds of z (see `Evaluator.latents`): the aggregate posterior needs a density."""
        return ("normal", "binary", "mixture")

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Estimate the terms of the lower bound of each image.

        Args:
            model: The model.
            x: Images, (M, D).
            noise: The random stream of each image.

        Returns:
            bound, reconstruction, kl, mutual_information and marginal_kl, each (M,), in nats.
        """
        return information(model, x, noise, self.samples, self.batch_size)._asdict()

    def summary(self, model: VAE, x: Tensor, values: dict[str, Tensor]) -> dict[str, Any]:
        """Summarise the activity of the latent dimensions.

        Args:
            model: The model.
            x: All images of the split, (n, D).
            values: The values of all images by name, each (n,).

        Returns:
            verdict: one sentence; ceiling: log n, the upper limit of the estimated mutual information, nats;
            active_units: the number of dimensions whose variance_of_mean is above active_above;
            kl_per_dimension (nats; see `Units.kl`) and variance_of_mean, both of length J; log_var_histogram: the histogram
            of log sigma^2 over images and dimensions.
        """
        use = units(model, x, self.batch_size)
        counts, edges = _histogram(use.log_var)
        active, total, kl = int(use.active.sum()), len(use.kl), values["kl"].mean().item()
        mutual, ceiling = values["mutual_information"].mean().item(), math.log(len(x))
        near = "; this is near the limit, so the population has more: evaluate more images"
        activity = verdict(use, kl) if len(x) > 1 else "the activity of units cannot be told from one image"
        return {
            "verdict": f"{activity}: {active} of {total} units active, KL {kl:.2f} nats; mutual information "
            f"{mutual:.2f} of at most log N = {ceiling:.2f} nats{near if is_near_ceiling(mutual, ceiling) else ''}",
            "ceiling": ceiling,
            "active_units": active,
            "active_above": ACTIVE,
            "kl_per_dimension": use.kl.tolist(),
            "variance_of_mean": use.variance.tolist(),
            "log_var_histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
        }

    @property
    def settings(self) -> dict[str, int | float | str]:
        """The number of draws L."""
        return {"samples": self.samples}


def _histogram(log_var: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return the counts and the edges of bins of width BIN.

    A model that has diverged can have a very wide range, so there are at most 100 bins, and only finite
    values are counted.
    """
    finite = log_var[log_var.isfinite()]
    low, high = (math.floor(finite.min()), math.ceil(finite.max())) if len(finite) else (-1, 0)
    return np.histogram(finite, bins=max(1, min(100, round((high - low) / BIN))), range=(low, high))
