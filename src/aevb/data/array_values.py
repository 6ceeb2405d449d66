"""The numbers of a user's own arrays, looked at in parts so that a file larger than the memory can be checked."""

import numpy as np

__all__ = ["CHUNK", "chunks", "lies_in", "not_finite"]

CHUNK = 1 << 22
"""Numbers that are converted at a time: the only memory beside the file's and the data set's own."""


def not_finite(key: str, row: int, values: np.ndarray) -> str:
    """Return the message for a datapoint that is not finite as float32.

    Args:
        key: The name of the array.
        row: The datapoint.
        values: Its numbers as they are in the file.
    """
    if np.isfinite(values).all():
        wrong, allowed, remedy = "too large for float32", "numbers up to 3.4e38", "(x - x.mean(0)) / x.std(0)"
    else:
        wrong, allowed, remedy = "not finite", "finite numbers", "x[numpy.isfinite(x.reshape(len(x), -1)).all(1)]"
    return f"{key} is {wrong} in row {row}; allowed: {allowed}; try: {remedy}"


def chunks(array: np.ndarray) -> list[np.ndarray]:
    """Return views of an array's datapoints, of about CHUNK numbers each.

    Args:
        array: The datapoints, (N, ...).
    """
    step = max(1, CHUNK // max(1, int(np.prod(array.shape[1:]))))
    return [array[start : start + step] for start in range(0, len(array), step)]


def lies_in(array: np.ndarray, low: int, high: int) -> bool:
    """Return whether every number lies between two bounds.

    Args:
        array: The datapoints, (N, ...).
        low: The smallest number that is allowed.
        high: The largest.
    """
    return all(part.min() >= low and part.max() <= high for part in chunks(array))
