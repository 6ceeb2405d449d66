"""The evaluators that support a model, for the messages of those that do not."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aevb.config import CONF, options
from aevb.config.instantiate import instantiate
from aevb.config.tree import read_yaml
from aevb.errors import UserError
from aevb.models.vae import VAE

if TYPE_CHECKING:
    from aevb.evaluators.evaluator import Evaluator

__all__ = ["suitable_evaluators", "unsupported"]


def suitable_evaluators(model: VAE) -> list[str]:
    """Return the options of the group `evaluator` that support a model with their default arguments.

    Args:
        model: The model.

    Returns:
        The names of the options.
    """
    return [name for name in options("evaluator") if _supports(name, model)]


def unsupported(name: str, reason: str, model: VAE, preferred: Sequence[str]) -> UserError:
    """Return the error of an evaluator that does not support a model; it lists those that do.

    Args:
        name: The name of the evaluator.
        reason: What is wrong.
        model: The model.
        preferred: Options to suggest, where they support the model.

    Returns:
        The error, to be raised.
    """
    allowed = suitable_evaluators(model)
    tried = [option for option in preferred if option in allowed] or allowed[:1]
    remedy = f"evaluator={tried[0]}" if len(tried) == 1 else f"'evaluator=[{','.join(tried)}]'"
    return UserError(f"evaluator={name}: {reason}; allowed: {', '.join(allowed)}; try: {remedy}")


def _supports(option: str, model: VAE) -> bool:
    (node,) = read_yaml(CONF / "evaluator" / f"{option}.yaml").values()
    evaluator: Evaluator = instantiate(node)
    if evaluator.unsupported(model) is not None:  # asked first, because `check` lists the suitable evaluators
        return False
    try:
        evaluator.check(model)
    except UserError:
        return False
    return True
