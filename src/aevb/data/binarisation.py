"""Targets of a Bernoulli likelihood made from grey images.

There are three ways to use a grey level p in [0, 1]:

    grey        The target is p itself. The log-likelihood is linear in x, so it equals the mean of
                log p(b | z) over b ~ Bernoulli(p). The bound is then a bound on the mean of log p(b), which
                is not comparable with published results on binary images.
    dynamic     p is the probability of a binary pixel, which is sampled again every time the image is used.
    threshold   The target is 1 if p >= 1/2, otherwise 0.
"""

import numpy as np

__all__ = ["as_targets", "convention", "meaning"]


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


def convention(kind: str, scale: int) -> str:
    """Return the name of a kind of target and its scale, as tables show it.

    Args:
        kind: "grey", "dynamic", "threshold" or "fixed".
        scale: The divisor of the grey levels.

    Returns:
        The name, for example "grey/255".
    """
    names = {
        "grey": f"grey/{scale}",
        "dynamic": f"dynamically binarised, p = grey/{scale}",
        "threshold": "binarised at 1/2",
        "fixed": "fixed binarisation (Larochelle)",
    }
    return names[kind]


def meaning(convention: str, decoder: str) -> str:
    """Return a sentence that says how to interpret a bound or a log p(x) of such targets.

    The sentence is shown with every such number.

    Args:
        convention: The convention of the data set (see `Dataset`).
        decoder: The `_target_` of the decoder of the run.

    Returns:
        The sentence, without a final full stop.
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
