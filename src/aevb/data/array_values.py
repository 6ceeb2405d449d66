"""The numbers of a user's own arrays, looked at in parts so that a file larger than the memory can be checked."""

import numpy as np

__all__ = ["CHUNK", "chunks", "lies_in", "lost_in_float32", "not_finite", "smallest_range"]

CHUNK = 1 << 22
"""Numbers that are converted at a time: the only memory beside the file's and the data set's own."""

STEPS = 32
"""Numbers of float32 that a column must span, unless it is constant: of fewer, its density would be that of the rounding."""
SMALLEST = 2.0**-149
"""The smallest positive float32."""
CONSTANT = 1e-11
"""Spread of a column, as a share of its values, below which it is constant but for rounding in float64."""


def lost_in_float32(images: dict[str, np.ndarray]) -> str | None:
    """Return the message for a column whose values differ by less than float32 can tell, None if there is none.

    Args:
        images: The arrays of datapoints, (N, ...), as they are in the file, by key. The training data are looked at.
    """
    key = "x" if "x" in images else "train"
    array = images[key]
    if array.dtype.kind not in "fiu" or array.dtype.itemsize < 4 or array.dtype == np.float32:
        return None
    high, low = (extreme.ravel().astype(np.longdouble) for extreme in (array.max(0), array.min(0)))
    largest = np.maximum(abs(high), abs(low))
    step, spread = np.maximum(largest * 2.0**-23, SMALLEST), high - low
    lost = np.flatnonzero((spread < STEPS * step) & (spread > CONSTANT * largest))
    if not len(lost):
        return None
    at = lost[0]
    remedy = "x - x.mean(0)" if step[at] > SMALLEST else "(x - x.mean(0)) / x.std(0)"
    return (
        f"{key} has values from {low[at]:.10g} to {high[at]:.10g} in column {at}, and numbers are float32, whose steps there are "
        f"{step[at]:.2g}; allowed: a spread of {STEPS} steps; try: {remedy}"
    )


def smallest_range(x: np.ndarray) -> float:
    """Return the smallest range of a column that is not constant, infinity if there is none.

    Args:
        x: Training images, (N, D), float32.
    """
    ranges = x.max(0).astype(np.float64) - x.min(0)
    return float(ranges[ranges > 0].min(initial=np.inf))


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
