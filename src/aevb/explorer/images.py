"""The test images that the page carries, as bytes where they are multiples of one level, else in single precision."""

from typing import Any

import numpy as np

from aevb.explorer.weights import encode_array

__all__ = ["choose", "pack_images", "value_range"]

LEVELS = (1, 16, 255, 256)


def choose(label: np.ndarray, missed: np.ndarray | None, count: int = 20) -> np.ndarray:
    """Choose the embedded images: as many of every class, in order of class, the most instructive one, if known, last.

    Args:
        label: Class of each candidate, (n,).
        missed: Nats by which importance sampling from q(z|x) falls short of log p(x), (n,); None if log p(x) is not known.
        count: Number of images.

    Returns:
        Positions, (count,) or (n,) if there are fewer candidates.
    """
    classes = np.unique(label)
    ranks = np.zeros(len(label), dtype=int)
    for value in classes:
        ranks[label == value] = np.arange((label == value).sum())
    order = np.lexsort((label, ranks))  # the first of every class, then the second of every class ...
    last = [] if missed is None else [int(np.argmax(missed))]
    first = [int(i) for i in order if i not in last][: count - len(last)]
    by_class = sorted(first, key=lambda i: (int(label[i]), i)) if len(classes) > 1 else first
    return np.array([*by_class, *last])


def pack_images(x: np.ndarray) -> dict[str, Any]:
    """Encode images for the page.

    Args:
        x: Images, (n, D).

    Returns:
        {"data": base64, "level": unit}; level is null if the data are stored in single precision.
    """
    for level in LEVELS:
        bytes_ = np.rint(x * level)
        if bytes_.min() >= 0 and bytes_.max() <= 255 and np.abs(bytes_ / level - x).max() < 1e-6:
            return {"data": encode_array(bytes_, "uint8"), "level": level}
    return {"data": encode_array(x, "float32"), "level": None}


def value_range(x: np.ndarray) -> tuple[float, float]:
    """Return the values that are drawn as black and as white.

    Args:
        x: Images, (n, D).

    Returns:
        (0, 1) for data within it, else the extremes.
    """
    low, high = float(x.min()), float(x.max())
    return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high if high > low else low + 1)
