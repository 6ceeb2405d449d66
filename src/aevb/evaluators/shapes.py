r"""The fractions of recognisable reconstructions and samples, for models of data=shapes.

The rule is that of aevb.estimators.shape_fit. A reconstruction is the mean of p(x|z) at the mean of
q(z|x), and must be recognisable as the same kind of shape as its original. A sample is the mean of
p(x|z) at a draw of p(z), and may be of any kind; there is one sample for every image of the split.
The fraction of recognisable originals is a reference for both.
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

CHECKED = 200
"""Images that are looked at before anything is computed."""


class Shapes(Evaluator):
    """Whether the original, the reconstruction and the sample of each image are recognisable shapes.

    Args:
        batch_size: Number of images per block.
    """

    name = "shapes"
    draws_images = True
    primary_value = "recognisable_reconstruction"

    def __init__(self, batch_size: PositiveInt = 500) -> None:
        self.images = batch_size

    @property
    def needs_encoder(self) -> bool:
        """Whether the evaluator uses q(z|x)."""
        return True

    @property
    def needs_density(self) -> bool:
        """Whether the evaluator uses log q(z|x): it does not, q(z|x) may be a point."""
        return False

    def check_images(self, model: VAE, x: Tensor) -> None:
        """Check that the images are shapes, for the rule calls whatever else there is not recognisable.

        Args:
            model: The model.
            x: Images, (n, D); the first CHECKED of them are looked at.

        Raises:
            UserError: If they are not square, or less than half of them are recognisable.
        """
        recognisable = fit(_square(x[:CHECKED].cpu())).recognisable
        if (count := int(recognisable.sum())) < len(recognisable) / 2:
            raise UserError(
                f"evaluator=shapes: {count} of the first {len(recognisable)} images are rectangles, circles or triangles; "
                "allowed: the images of data=shapes; try: evaluator=reconstruction"
            )

    @torch.no_grad()
    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Apply the rule to the original, the reconstruction and the sample of each image.

        Args:
            model: The model.
            x: Images, (M, D).
            noise: The random stream of each image.

        Returns:
            recognisable_reconstruction, recognisable_sample and recognisable_original (0 or 1),
            reconstruction_overlap and sample_overlap (in 0..1) and sample_kind (an index of KINDS),
            each (M,).

        Raises:
            UserError: If the images are not square.
        """
        reconstructed = model.decoder(model.code(x)).mean
        sampled = model.decoder(model.sample_prior(len(x), noise)).mean
        original, reconstruction, sample = (fit(_square(images)) for images in (x, reconstructed, sampled))
        same = reconstruction.kind == original.kind
        values: dict[str, np.ndarray] = {
            "recognisable_reconstruction": reconstruction.recognisable & same,
            "recognisable_sample": sample.recognisable,
            "recognisable_original": original.recognisable,
            "reconstruction_overlap": reconstruction.overlap,
            "sample_overlap": sample.overlap,
            "sample_kind": sample.kind,
        }
        return {name: torch.from_numpy(value.astype(np.float64)) for name, value in values.items()}

    def summary(self, model: VAE, x: Tensor, values: dict[str, Tensor]) -> dict[str, Any]:
        """Count the recognisable samples of each kind.

        Args:
            model: The model.
            x: All images of the split, (n, D).
            values: The values of all images by name, each (n,).

        Returns:
            sample_kinds: the number of recognisable samples of each kind; threshold: the smallest overlap
            of a recognisable shape.
        """
        kinds = values["sample_kind"][values["recognisable_sample"] == 1]
        counts = {name: int((kinds == index).sum()) for index, name in enumerate(KINDS)}
        return {"sample_kinds": counts, "threshold": THRESHOLD}

    @property
    def settings(self) -> dict[str, int | float | str]:
        """The threshold of the rule."""
        return {"threshold": THRESHOLD}


def _square(x: Tensor) -> np.ndarray:
    side = math.isqrt(x.shape[-1])
    if side**2 != x.shape[-1]:
        raise UserError(
            f"evaluator=shapes: images of {x.shape[-1]} pixels; allowed: the square ones of data=shapes; "
            "try: evaluator=reconstruction"
        )
    return x.reshape(-1, side, side).cpu().numpy()
