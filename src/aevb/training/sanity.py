"""A trained model against a decoder without latents, whose pixels are independent of z.

The decoder without latents has the mean, and for a Gaussian the variance, of each pixel over the training set. A
model that does worse by orders of magnitude has not been trained in any useful sense, whatever the training loop says.
"""

from typing import Any

import numpy as np

from aevb.data.constant_pixels import constant_pixels, named
from aevb.data.dataset import Splits
from aevb.models.gaussian import has_unbounded_density

__all__ = ["FACTOR", "constant_decoder", "variance_floor", "warning"]

FACTOR = 10.0
"""How many times the size of the comparison a bound must lie below it, to be called nonsense."""
CHUNK = 4096


def constant_decoder(splits: Splits, bernoulli: bool) -> float:
    """Return the mean log p(x) of the test images under the best decoder without latents.

    Args:
        splits: The data; its parameters are those of the training set.
        bernoulli: Whether pixels are Bernoulli variables; otherwise they are Gaussian.

    Returns:
        Nats per image. A pixel that is constant in the training set counts as one of unit variance.
    """
    x = splits.train.x
    mean = _mean(x)
    if bernoulli:
        p, test_mean = np.clip(mean, 1e-6, 1 - 1e-6), _mean(splits.test.x)
        return float(test_mean @ np.log(p) + (1 - test_mean) @ np.log1p(-p))
    variance = _mean(x, mean)
    variance[constant_pixels(x)] = 1
    variance[variance <= 0] = 1
    return float(-0.5 * (_mean(splits.test.x, mean) / variance + np.log(2 * np.pi * variance)).sum())


def _mean(x: np.ndarray, center: np.ndarray | None = None) -> np.ndarray:
    # The mean over images of x, or of (x - center)^2, in float64 and by parts.
    total = np.zeros(x.shape[1])
    for start in range(0, len(x), CHUNK):
        part = x[start : start + CHUNK].astype(np.float64)
        total += (part if center is None else (part - center) ** 2).sum(0)
    return total / len(x)


def warning(bound: float | None, splits: Splits, settings: dict[str, Any], decoder: Any) -> str | None:
    """Return why a trained model should not be used, or None.

    Args:
        bound: Its lower bound of the test images, nats per image; None if it was not evaluated.
        splits: The data.
        settings: The config of the run.
        decoder: The trained decoder.

    Returns:
        One line that names the bound, that of the decoder without latents, and the likely cause.
    """
    if bound is None:
        return None
    bernoulli = getattr(decoder, "likelihood", None) == "bernoulli"
    reference = constant_decoder(splits, bernoulli)
    size = max(abs(reference), float(splits.train.x.shape[1]))
    if reference - bound <= FACTOR * size:  # not so for nan
        return None
    return (
        f"the bound of the test images is {bound:,.6g} nats, and a decoder without latents has {reference:,.6g}; "
        f"likely cause: {_cause(splits, settings, decoder)}"
    )


def variance_floor(decoder: Any) -> str:
    """Return the override by which the learned variance of the pixels has a floor.

    Args:
        decoder: The decoder of the model.
    """
    return "model.decoder.min_std=0.01" if hasattr(decoder, "min_std") else "model=gaussian_linear"


def _cause(splits: Splits, settings: dict[str, Any], decoder: Any) -> str:
    x = splits.train.x
    low, high = float(x.min()), float(x.max())
    squeezed = settings["model"]["decoder"].get("mean") == "sigmoid" or (
        type(decoder).__name__ == "GaussianDecoder" and "mean" not in settings["model"]["decoder"]
    )
    if squeezed and (low < 0 or high > 1):
        return f"data from {low:.4g} to {high:.4g} and means in (0, 1) (model.decoder.mean=sigmoid); try: model=gaussian_linear"
    if has_unbounded_density(decoder):
        constant = constant_pixels(x)
        if len(constant):
            return f"{named(constant, x.shape[1])} and their variance shrinks for ever; try: {variance_floor(decoder)}"
    variance = getattr(decoder, "log_var", None)
    if isinstance(variance, float) and max(abs(low), abs(high)) > 10:
        return f"data from {low:.4g} to {high:.4g} and a fixed variance; try: model=gaussian_linear"
    return "training diverged to finite numbers; try: a smaller optimizer.lr, or clip_norm=1"
