r"""Shares of recognisable reconstructions and samples of a model of data=shapes, by the rule of aevb.estimators.shape_fit.

A reconstruction is the mean of p(x|z) at the mean of q(z|x), and has to be recognisable as the kind of its original. A sample
is the mean of p(x|z) at a draw of p(z), one for every image of the split, and may be of any kind. Originals say what the rule
lets through.
"""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aevb.data.shapes import KINDS
from aevb.errors import UserError
from aevb.estimators.shape_fit import THRESHOLD, fit
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveInt

__all__ = ["Shapes"]


class Shapes(Evaluator):
    """batch_size: images in a block."""

    name = "shapes"
    primary_value = "recognisable_reconstruction"

    def __init__(self, batch_size: PositiveInt = 500) -> None:
        self.images = batch_size

    @property
    def needs_encoder(self) -> bool:
        """For the reconstructions."""
        return True

    @property
    def needs_density(self) -> bool:
        """A point will do."""
        return False

    @torch.no_grad()
    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """recognisable_reconstruction, recognisable_sample, recognisable_original: 0 or 1; reconstruction_overlap,
        sample_overlap; sample_kind, a place in KINDS."""
        reconstructed = model.decoder(model.code(x)).mean
        sampled = model.decoder(model.sample_prior(len(x), noise)).mean
        original, reconstruction, sample = (fit(_square(images)) for images in (x, reconstructed, sampled))
        same = reconstruction.kind == original.kind
        found: dict[str, np.ndarray] = {
            "recognisable_reconstruction": reconstruction.recognisable & same,
            "recognisable_sample": sample.recognisable,
            "recognisable_original": original.recognisable,
            "reconstruction_overlap": reconstruction.overlap,
            "sample_overlap": sample.overlap,
            "sample_kind": sample.kind,
        }
        return {name: torch.from_numpy(value.astype(np.float64)) for name, value in found.items()}

    def summary(self, model: VAE, x: Tensor, values: dict[str, Tensor]) -> dict[str, Any]:
        """sample_kinds: how many of the recognisable samples are of each kind."""
        kinds = values["sample_kind"][values["recognisable_sample"] == 1]
        counts = {name: int((kinds == place).sum()) for place, name in enumerate(KINDS)}
        return {"sample_kinds": counts, "threshold": THRESHOLD}

    @property
    def settings(self) -> dict[str, int | float | str]:
        """The rule's one number."""
        return {"threshold": THRESHOLD}


def _square(x: Tensor) -> np.ndarray:
    side = math.isqrt(x.shape[-1])
    if side**2 != x.shape[-1]:
        raise UserError(
            f"evaluator=shapes: images of {x.shape[-1]} pixels; allowed: the square ones of data=shapes; "
            "try: evaluator=reconstruction"
        )
    return x.reshape(-1, side, side).cpu().numpy()
