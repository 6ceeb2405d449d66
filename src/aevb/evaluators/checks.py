"""What an evaluator states and returns is checked, since users write evaluators of their own.

A wrong one would fail in torch or in the writing of its record, with an error that does not name it; a single number in the
place of one for each image would be counted as that of all of them, with a standard error of 0.
"""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from aevb.config.instantiate import build
from aevb.errors import UserError
from aevb.evaluators.evaluator import Evaluator

__all__ = ["built", "checked_values"]

NAME = re.compile(r"\w[\w.-]*", re.ASCII)  # of a file


def built(nodes: dict[str, Any], trusted: tuple[str, ...]) -> dict[str, Evaluator]:
    """Return the evaluators that a config describes.

    Args:
        nodes: Their config nodes by name.
        trusted: Users' modules that the config may name.

    Raises:
        UserError: A class is no `Evaluator`, or lacks one of its attributes.
    """
    evaluators = {
        key: build(node, Evaluator, f"evaluator.{key}", trusted)  # type: ignore[type-abstract]
        for key, node in nodes.items()
    }
    for key, evaluator in evaluators.items():
        if (fault := _fault(evaluator)) is not None:
            raise UserError(
                f"evaluator.{key}: {type(evaluator).__name__} {fault}; allowed: a subclass of aevb.evaluators.evaluator.Evaluator "
                "with name, primary_value, images, values and the property settings; try: its documentation"
            )
    return evaluators


def _fault(evaluator: Evaluator) -> str | None:
    if missing := [name for name in ("name", "primary_value", "images") if not hasattr(evaluator, name)]:
        return f"has no {' and no '.join(missing)}"
    if not isinstance(evaluator.name, str) or not NAME.fullmatch(evaluator.name):
        return f"has the name {evaluator.name!r}, and files are named by it"
    if not isinstance(evaluator.images, int) or evaluator.images < 1:
        return f"has images={evaluator.images!r}, which is no number of images in a block"
    if callable(evaluator.settings):
        return "has a method settings, which is no property"
    if not isinstance(evaluator.settings, Mapping):
        return f"has settings that are {_described(evaluator.settings)} and no dictionary"
    wrong = [name for name, value in evaluator.settings.items() if not isinstance(value, int | float | str)]
    return f"has settings of which {wrong[0]} is {_described(evaluator.settings[wrong[0]])}" if wrong else None


def checked_values(evaluator: Evaluator, values: object, images: int) -> dict[str, Tensor]:
    """Return what an evaluator computed for a block of images, without a graph.

    Args:
        evaluator: The evaluator, for the message.
        values: What its `values` returned.
        images: Number of images in the block, M.

    Returns:
        The values by name, each (M,).

    Raises:
        UserError: There is not one number for each image, or none under the name of the primary value.
    """
    fault, names = None, [evaluator.primary_value]
    if not isinstance(values, Mapping):
        fault = _described(values)
    elif evaluator.primary_value not in values:
        fault = f"values named {', '.join(map(str, values)) or 'by nothing'}"
    else:
        names = list(values)
        wrong = (name for name in names if not isinstance(values[name], Tensor) or values[name].shape != (images,))
        if (first := next(wrong, None)) is not None:
            fault = f"{first} as {_described(values[first])}"
    if fault is not None:
        raise UserError(
            f"evaluator={evaluator.name}: {type(evaluator).__name__}.values returned {fault} for {images} images; "
            f"allowed: a dictionary of tensors ({images},), one number for each image, with {evaluator.primary_value}; "
            f"try: {{'{evaluator.primary_value}': log_prob}} without a mean"
        )
    assert isinstance(values, Mapping)
    return {name: values[name].detach() for name in names}


def _described(value: object) -> str:
    return f"a tensor {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
