"""What a grey image is to a Bernoulli likelihood.

A grey level p in [0, 1] is taken as it is (`grey`: the cross-entropy, linear in x, is then E over b ~ Bernoulli(p) of
log p(b | z); a bound on log p(b) in the mean, not comparable with tables of binary images), as the probability of a
pixel drawn anew at every presentation (`dynamic`), or as the bit p >= 1/2 (`threshold`).
"""

import numpy as np

__all__ = ["as_targets", "convention"]


def as_targets(levels: np.ndarray, kind: str, scale: int) -> np.ndarray:
    """(N, D) float32 targets from integer `levels`, of which `scale` is the unit; `kind` as above."""
    if kind == "threshold":
        return (levels >= scale / 2).astype(np.float32)
    x = levels.astype(np.float32)
    x /= scale
    return x


def convention(kind: str, scale: int) -> str:
    """The line that names `kind` and `scale` in tables."""
    names = {
        "grey": f"grey/{scale}",
        "dynamic": f"dynamically binarised, p = grey/{scale}",
        "threshold": "binarised at 1/2",
        "fixed": "fixed binarisation (Larochelle)",
    }
    return names[kind]
