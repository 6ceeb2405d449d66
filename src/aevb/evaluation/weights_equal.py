"""Compare the tensors of two weight files bit by bit."""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from aevb.files.archive import is_intact
from aevb.files.regular import open_regular
from aevb.runs import layout

__all__ = ["weight_differences"]


def weight_differences(before: Path, now: Path) -> Iterator[str]:
    """Compare two model.pt files.

    Args:
        before: The file of the original run.
        now: The file of the repeated run.

    Yields:
        One line for each tensor that differs, or one line if `before` cannot be read.
    """
    try:
        original = _load(before)
    except Exception as error:
        yield f"{layout.MODEL}: damaged ({' '.join(str(error).split())[:100]})"
        return
    repeated = _load(now)
    for name in dict.fromkeys([*original, *repeated]):
        if name not in original or name not in repeated or not _same_bits(original[name], repeated[name]):
            yield f"{layout.MODEL}: {name} differs"


def _load(path: Path) -> dict[str, Tensor]:
    if not is_intact(path):
        raise ValueError("not as torch saved it")
    with open_regular(path) as file:
        return torch.load(file, map_location="cpu", weights_only=True)


def _same_bits(one: Tensor, other: Tensor) -> bool:
    same = one.dtype == other.dtype and one.shape == other.shape
    return same and one.numpy().tobytes() == other.numpy().tobytes()
