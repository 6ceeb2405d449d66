"""The family of p(x|z) of a run, read without torch."""

from functools import lru_cache
from typing import Any, get_args

from aevb.config.class_attributes import attribute
from aevb.data.target_convention import Likelihood

__all__ = ["stated_likelihood"]


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
    return _stated_by(target) if isinstance(target, str) else None


@lru_cache(maxsize=1024)  # thousands of runs have the same few decoders
def _stated_by(target: str) -> Likelihood | None:
    stated = attribute(target, "likelihood")
    return stated if stated in get_args(Likelihood) else None
