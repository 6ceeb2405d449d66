"""The types of the fields of JSON records, which may come from anyone.

A function returns the value of a field, or raises ValueError with what is allowed.
"""

import math
import sys
from collections.abc import Callable
from typing import Any

from aevb.config.value_types import INTEGER_END
from aevb.data.target_convention import TargetConvention

__all__ = [
    "Field",
    "best_weights",
    "boolean",
    "count",
    "estimates",
    "histogram",
    "histograms",
    "mapping",
    "number",
    "numbers",
    "optional_number",
    "optional_text",
    "rows",
    "shape",
    "target_convention",
    "text",
    "texts",
    "trials",
]

Field = Callable[[Any], Any]
MAX_PIXELS = 1 << 24


def count(value: Any) -> int:
    """Accept an integer from 0 to 2^62.

    Args:
        value: A value from a JSON file.
    """
    if type(value) is not int or not 0 <= value < INTEGER_END:
        raise ValueError("an integer >= 0")
    return value


def number(value: Any) -> float:
    """Accept a number that is not infinite; null, which stands for nan, becomes nan.

    Args:
        value: A value from a JSON file.
    """
    if value is None:
        return math.nan
    if type(value) not in (int, float) or abs(value) > sys.float_info.max:  # an integer may be larger
        raise ValueError("a finite number or null")
    return value


def text(value: Any) -> str:
    """Accept text.

    Args:
        value: A value from a JSON file.
    """
    if not isinstance(value, str):
        raise ValueError("text")
    return value


def optional_text(value: Any) -> str | None:
    """Accept text or null.

    Args:
        value: A value from a JSON file.
    """
    return None if value is None else text(value)


def mapping(value: Any) -> dict[str, Any]:
    """Accept an object.

    Args:
        value: A value from a JSON file.
    """
    if not isinstance(value, dict):
        raise ValueError("an object")
    return value


def texts(value: Any) -> dict[str, str]:
    """Accept an object whose values are text.

    Args:
        value: A value from a JSON file.
    """
    return {name: text(item) for name, item in mapping(value).items()}


def estimates(value: Any) -> dict[str, dict[str, float]]:
    """Accept an object of {mean, standard_error}.

    Args:
        value: A value from a JSON file.
    """
    for item in mapping(value).values():
        if not isinstance(item, dict) or not {"mean", "standard_error"} <= item.keys():
            raise ValueError("an object of {mean, standard_error}")
        item |= {name: number(item[name]) for name in ("mean", "standard_error")}
    return value


def shape(value: Any) -> list[int]:
    """Accept [rows, columns], or [rows, columns, 3] in colour, of an image of at most 2^24 pixels.

    Args:
        value: A value from a JSON file.
    """
    good = isinstance(value, list) and len(value) in (2, 3) and all(type(side) is int and side >= 1 for side in value)
    if not good or value[0] * value[1] > MAX_PIXELS or value[2:] not in ([], [3]):
        raise ValueError(f"[rows, columns] or [rows, columns, 3], at most {MAX_PIXELS:,} pixels")
    return value


def rows(value: Any) -> list[dict[str, Any]]:
    """Accept a list of objects.

    Args:
        value: A value from a JSON file.
    """
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError("a list of objects")
    return value


def optional_number(value: Any) -> float | None:
    """Accept a number that is not infinite, or null.

    Args:
        value: A value from a JSON file.
    """
    return None if value is None or math.isnan(number(value)) else value


def target_convention(value: Any) -> dict[str, Any]:
    """Accept the fields of a `TargetConvention`.

    Args:
        value: A value from a JSON file.
    """
    fields = mapping(value)
    try:
        return TargetConvention(**fields).record()
    except TypeError as error:
        raise ValueError("an object of kind, scale, description and remark") from error


def trials(value: Any) -> list[dict[str, Any]]:
    """Accept the trials of a selection of the learning rate.

    Args:
        value: A value from a JSON file.
    """
    for item in rows(value):
        if not {"learning_rate", "train_bound"} <= item.keys():
            raise ValueError("a list of {learning_rate, train_bound, samples_seen}")
        number(item["learning_rate"])
        number(item["train_bound"])
    return value


def numbers(value: Any) -> list[float]:
    """Accept a list of numbers that are not infinite.

    Args:
        value: A value from a JSON file.
    """
    if not isinstance(value, list):
        raise ValueError("a list of numbers")
    return [number(item) for item in value]


def histogram(value: Any) -> dict[str, Any]:
    """Accept a histogram: counts of bins, and their edges.

    Args:
        value: A value from a JSON file.
    """
    if not isinstance(value, dict) or not {"counts", "edges"} <= value.keys():
        raise ValueError("an object of {counts, edges}")
    counts, edges = numbers(value["counts"]), numbers(value["edges"])
    if len(edges) != len(counts) + 1:
        raise ValueError("an object of {counts, edges}, with one edge more than counts")
    return {**value, "counts": counts, "edges": edges}


def histograms(value: Any) -> list[list[float]]:
    """Accept a list of the counts of histograms with the same bins.

    Args:
        value: A value from a JSON file.
    """
    if not isinstance(value, list) or len({len(numbers(counts)) for counts in value}) != 1:
        raise ValueError("a list of lists of numbers, all of the same length")
    return value


def boolean(value: Any) -> bool:
    """Accept true or false.

    Args:
        value: A value from a JSON file.
    """
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def best_weights(value: Any) -> dict[str, Any]:
    """Accept the record of best.pt: samples_seen, valid_bound and sha256.

    Args:
        value: A value from a JSON file.
    """
    checks = {"samples_seen": count, "valid_bound": number, "sha256": text}
    if not isinstance(value, dict) or not checks.keys() <= value.keys():
        raise ValueError("an object of {samples_seen, valid_bound, sha256}")
    return {**value, **{name: check(value[name]) for name, check in checks.items()}}
