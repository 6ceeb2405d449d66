"""Targets of a Bernoulli likelihood made from grey images.

There are three ways to use a grey level p in [0, 1]:

    grey        The target is p itself. The log-likelihood is linear in x, so it equals the mean of
                log p(b | z) over b ~ Bernoulli(p). The bound is then a bound on the mean of log p(b), which
                is not comparable with published results on binary images.
    dynamic     p is the probability of a binary pixel, which is sampled again every time the image is used.
    threshold   The target is 1 if p >= 1/2, otherwise 0.
"""

import numpy as np

from aevb.data.target_convention import TargetConvention

__all__ = ["as_targets", "convention"]


def as_targets(levels: np.ndarray, kind: str, scale: int) -> np.ndarray:
    """Convert integer grey levels to targets.

    Args:
        levels: Integer grey levels, (N, D).
        kind: "grey", "dynamic" or "threshold" (see the module).
        scale: The divisor that maps the levels to [0, 1].

    Returns:
        The targets, (N, D) float32: 0 or 1 for "threshold", otherwise levels / scale.
    """
    if kind == "threshold":
        return (levels >= scale / 2).astype(np.float32)
    x = levels.astype(np.float32)
    x /= scale
    return x


def convention(kind: str, scale: int) -> TargetConvention:
    """Return the convention of the targets that `as_targets` makes.

    Args:
        kind: "grey", "dynamic", "threshold", or "fixed" for the binary files of Larochelle.
        scale: The divisor of the grey levels.

    Returns:
        The convention.
    """
    if kind == "grey":
        return TargetConvention("grey", scale)
    if kind == "dynamic":
        return TargetConvention("dynamic", scale)
    descriptions = {"threshold": "binarised at 1/2", "fixed": "fixed binarisation (Larochelle)"}
    return TargetConvention("binary", description=descriptions[kind])
