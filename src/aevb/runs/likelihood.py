"""The family of p(x|z) of a run, and what its numbers are bounds of, read without torch."""

from typing import Any, get_args

from aevb.config.class_attributes import attribute
from aevb.data.target_convention import Likelihood, is_conditional

__all__ = ["log_px_of", "stated_likelihood"]


def log_px_of(settings: dict[str, Any]) -> str:
    """Return what the numbers of a run are bounds or estimates of: "log p(x)", or "log p(x|y)" of a conditional model.

    Args:
        settings: The config of the run, which may come from anyone.
    """
    model = settings.get("model")
    return "log p(x|y)" if isinstance(model, dict) and is_conditional(model) else "log p(x)"


def stated_likelihood(settings: dict[str, Any]) -> Likelihood | None:
    """Return the family of p(x|z) that the decoder class of a run states in its source.

    Args:
        settings: The config of the run, which may come from anyone.

    Returns:
        The family; None if the class states none, or if its source is not part of aevb.
    """
    model = settings.get("model")
    decoder = model.get("decoder") if isinstance(model, dict) else None
    target = decoder.get("_target_") if isinstance(decoder, dict) else None
    stated = attribute(target, "likelihood") if isinstance(target, str) else None
    return stated if stated in get_args(Likelihood) else None
