r"""Uniform dequantisation of grey levels: x = (k + u) / s, with u uniform in [0, 1) and s grey levels.

A density of the bare levels k/s has no upper bound: a pixel that is constant, or nearly so, is fitted with a
variance that shrinks for ever. With the noise it has one, and by Jensen's inequality (Theis, van den Oord &
Bethge 2016)

    E_u log p((k + u)/s) - D log s <= log P(k),

so a bound on the left side is one on the log-mass of the levels. The noise is drawn once for each split, as a
function of its name, so the data set stays the same in every run.
"""

import hashlib
from typing import Literal

import numpy as np

from aevb.data import checks
from aevb.data.target_convention import TargetConvention
from aevb.errors import UserError

__all__ = ["Dequantisation", "check_dequantisation", "dequantise", "dequantised_convention"]

Dequantisation = Literal["uniform"]


def check_dequantisation(dequantise: str, targets: str) -> None:
    """Check the argument `dequantise` of a data set.

    Args:
        dequantise: Its value, not None.
        targets: The kind of the targets (see aevb.data.binarisation).

    Raises:
        UserError: If it is not known, or if the targets are not grey levels.
    """
    checks.one_of("dequantise", dequantise, (None, "uniform"))
    if targets != "grey":
        raise UserError(
            f"data.dequantise={dequantise}: data.targets={targets} are binary; allowed: null; try: data.targets=grey"
        )


def dequantise(levels: np.ndarray, count: int, split: str) -> np.ndarray:
    """Return (k + u) / s.

    Args:
        levels: Grey levels k = 0..s-1, (N, D).
        count: Number of grey levels, s.
        split: Name of the split, which chooses the noise; the first images of a split always get the same noise.

    Returns:
        Values in [0, 1), (N, D) float32.
    """
    key = int.from_bytes(hashlib.sha256(f"dequantisation/{split}".encode()).digest()[:8], "little")
    u = np.random.Generator(np.random.Philox(key)).random(levels.shape, np.float32)
    u += levels
    u /= np.float32(count)
    return np.minimum(u, np.float32(1 - 2**-24), out=u)  # the sum may be rounded up to s


def dequantised_convention(count: int) -> TargetConvention:
    """Return the convention of such targets.

    Args:
        count: Number of grey levels, s.

    Returns:
        The convention.
    """
    return TargetConvention("dequantised", count)
