"""What a grey image is to a Bernoulli likelihood.

A grey level p in [0, 1] is taken as it is (`grey`: the cross-entropy, linear in x, is then E over b ~ Bernoulli(p) of
log p(b | z); a bound on log p(b) in the mean, not comparable with tables of binary images), as the probability of a
pixel drawn anew at every presentation (`dynamic`), or as the bit p >= 1/2 (`threshold`).
"""

import numpy as np

__all__ = ["as_targets", "convention", "meaning"]


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


def meaning(convention: str, decoder: str) -> str:
    """What a bound or a log p(x) of such targets is and is not, in one sentence; it stands wherever such numbers are shown.

    convention: of the targets, as data sets name it. decoder: the `_target_` of the run's decoder.
    """
    bernoulli = any(word in decoder.rpartition(".")[2] for word in ("Bernoulli", "Autoregressive"))
    grey = convention.startswith("grey/")
    if bernoulli and grey:
        return (
            "grey under a Bernoulli likelihood: lower bounds of E_b log p(b) over b ~ Bernoulli(x), never above -H(x); no "
            "log-mass of the image, not comparable with tables of binary images"
        )
    if bernoulli:
        return "log-mass where the targets are binary, comparable with the same binarisation only"
    if grey:
        return (
            "log-density at byte levels under a Gaussian likelihood: without a ceiling, and moving with the scale (D ln(256/255) "
            "nats between byte/256 and byte/255); of the bytes themselves: evaluator=bits_per_dim"
        )
    return "log-density of real numbers, in their unit"
