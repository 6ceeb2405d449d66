"""Names in natural order: z2 before z10."""

import re
from pathlib import PurePath

__all__ = ["natural_key", "natural_path_key"]

NUMBER = re.compile(r"([0-9]+)")

Key = tuple[list[str | tuple[int, str]], str]


def natural_key(name: str) -> Key:
    """Return what a name is sorted by, so that the numbers in it are in order of size.

    Args:
        name: The name.

    Returns:
        The key. Equal keys are those of equal names.
    """
    parts = NUMBER.split(name)  # text and digits in turn, so that a number is only ever compared with a number
    return [_size(part) if index % 2 else part for index, part in enumerate(parts)], name


def _size(digits: str) -> tuple[int, str]:
    # In the order of the numbers. int() refuses the thousands of digits that a name in somebody's record may have.
    significant = digits.lstrip("0")
    return len(significant), significant


def natural_path_key(path: PurePath) -> list[Key]:
    """Return what a path is sorted by: its parts one after another, each by `natural_key`.

    Args:
        path: The path.

    Returns:
        The key.
    """
    return [natural_key(part) for part in path.parts]
