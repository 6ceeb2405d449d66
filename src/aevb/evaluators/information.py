"""ELBO surgery over a split, and what each latent dimension carries."""

import math
import sys
from typing import Any

import numpy as np
from torch import Tensor

from aevb.estimators.mutual_information import ACTIVE, information, units, verdict
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveInt

__all__ = ["Information"]

BIN = 0.25  # of log sigma^2


class Information(Evaluator):
    """aevb.estimators.mutual_information over all images of the split at once, which are the aggregate posterior.

    samples: L draws an image. batch_size: images encoded or decoded at once.
    """

    name = "information"
    primary_value = "mutual_information"
    marked = ("active_units",)
    images = sys.maxsize  # one block: every image is part of every other's number

    def __init__(self, samples: PositiveInt = 1, batch_size: PositiveInt = 1000) -> None:
        self.samples, self.batch_size = samples, batch_size

    @property
    def needs_encoder(self) -> bool:
        """It is q's."""
        return True

    @property
    def latents(self) -> tuple[str, ...]:
        """Whose aggregate is written out."""
        return ("normal", "binary")

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """bound, reconstruction, kl, mutual_information, marginal_kl."""
        return information(model, x, noise, self.samples, self.batch_size)._asdict()

    def summary(self, model: VAE, x: Tensor, values: dict[str, Tensor]) -> dict[str, Any]:
        """ceiling: log N, of the mutual information. kl_per_dimension, variance_of_mean; active_units, whose variance is above
        active_above; log_var_histogram, over images and dimensions."""
        found = units(model, x, self.batch_size)
        counts, edges = _histogram(found.log_var)
        active, total = int(found.active.sum()), len(found.kl)
        return {
            "verdict": f"{verdict(found)}: {active} of {total} units active, KL {found.kl.sum():.2f} nats; mutual information "
            f"{values['mutual_information'].mean():.2f} of at most log N = {math.log(len(x)):.2f} nats",
            "ceiling": math.log(len(x)),
            "active_units": active,
            "active_above": ACTIVE,
            "kl_per_dimension": found.kl.tolist(),
            "variance_of_mean": found.variance.tolist(),
            "log_var_histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
        }

    @property
    def settings(self) -> dict[str, int | float | str]:
        """L."""
        return {"samples": self.samples}


def _histogram(log_var: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Counts and edges of bins of width 0.25; of a model that has diverged at most 100 bins, of what is finite."""
    finite = log_var[log_var.isfinite()]
    low, high = (math.floor(finite.min()), math.ceil(finite.max())) if len(finite) else (-1, 0)
    return np.histogram(finite, bins=max(1, min(100, round((high - low) / BIN))), range=(low, high))
