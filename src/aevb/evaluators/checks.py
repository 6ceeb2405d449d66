"""What an evaluator states and returns is checked, since users write evaluators of their own.

A wrong one would fail in torch or in the writing of its record, with an error that does not name it; a single number in the
place of one for each image would be counted as that of all of them, with a standard error of 0.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from aevb.config.instantiate import build
from aevb.errors import UserError
from aevb.evaluators.evaluator import Evaluator

__all__ = ["built", "checked_summary", "checked_values"]

NAME = re.compile(r"\w[\w.-]*", re.ASCII)  # of a file

RESERVED = {
    *("name", "split", "n", "mean", "standard_error", "quantity", "direction", "settings", "values", "summary"),
    *("seconds", "cpu_seconds", "checkpoint", "identity", "targets", "seed", "threads", "matmul_precision", "meaning"),
    *("peak_memory_bytes", "peak_memory_above_model_and_data_bytes"),
}
"""Entries of the JSON file of an evaluation, which one of a summary would replace."""


def built(nodes: dict[str, Any], trusted: tuple[str, ...]) -> dict[str, Evaluator]:
    """Return the evaluators that a config describes.

    Args:
        nodes: Their config nodes by name.
        trusted: Users' modules that the config may name.

    Raises:
        UserError: A class is no `Evaluator`, or lacks one of its attributes, or two evaluators would write the same files.
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
    files: dict[str, str] = {}
    for key, evaluator in evaluators.items():
        other = files.setdefault(f"{evaluator.name}{evaluator.suffix}", key)
        same = type(evaluator) is type(evaluators[other]) and evaluator.settings == evaluators[other].settings
        if not same:  # the same numbers twice, as in experiment=keras_likelihood, lose nothing
            raise UserError(
                f"evaluator.{key}: writes the files of evaluator.{other}, {evaluator.name}-SPLIT{evaluator.suffix}.json, whose numbers "
                f"would be lost; allowed: evaluators with files of their own; try: '~evaluator.{key}', and aevb-evaluate with another "
                "output_dir for it"
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


def checked_summary(evaluator: Evaluator, summary: object) -> dict[str, Any]:
    """Return what an evaluator states about the whole split, as it can be stored as JSON.

    Args:
        evaluator: The evaluator, for the message.
        summary: What its `summary` returned.

    Raises:
        UserError: It is no dictionary of numbers, text and lists, lacks an entry that is `marked`, or replaces one of the record.
    """
    if not isinstance(summary, Mapping):
        fault = _described(summary)
    elif taken := [name for name in summary if name in RESERVED]:
        fault = f"{taken[0]}, which is an entry of every evaluation"
    elif missing := [name for name in evaluator.marked if name not in summary]:
        fault = f"no {missing[0]}, which is one of `marked`"
    else:
        plain = {str(name): _plain(value) for name, value in summary.items()}
        wrong = next((name for name, value in plain.items() if not _is_json(value)), None)
        if wrong is None:
            return plain
        fault = f"{wrong} as {_described(summary[wrong])}"
    raise UserError(
        f"evaluator={evaluator.name}: {type(evaluator).__name__}.summary returned {fault}; allowed: a dictionary of numbers, text, "
        "lists and dictionaries, with names of its own; try: {'largest': values['v'].max().item()}"
    )


def _plain(value: Any) -> Any:
    """Numbers and arrays of numpy and torch as Python's."""
    if isinstance(value, Tensor | np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _is_json(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(name, str) and _is_json(item) for name, item in value.items())
    return (
        all(map(_is_json, value)) if isinstance(value, list) else value is None or isinstance(value, str | int | float)
    )


def _described(value: object) -> str:
    return f"a tensor {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
