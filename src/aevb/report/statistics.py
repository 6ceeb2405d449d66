"""Several seeds as one curve: mean, range, standard deviation and a 95 % interval of the mean at every evaluation point.

The interval is Student's (see `aevb.figures.paper.seed_statistics`).
"""

import math
from typing import NamedTuple

import numpy as np

from aevb.figures.common.learning_curves import same_points
from aevb.figures.paper.seed_statistics import t_quantile

__all__ = ["Summary", "summarise"]


class Summary(NamedTuple):
    """A curve over seeds, with R evaluation points.

    Attributes:
        samples_seen: The training samples seen, (R,).
        mean: The mean over the seeds, (R,).
        low: The smallest value, (R,).
        high: The largest value, (R,).
        deviation: The sample standard deviation, (R,); 0 for one seed.
        seeds: The number of seeds, (R,).
    """

    samples_seen: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    deviation: np.ndarray
    seeds: np.ndarray

    def half_width(self) -> np.ndarray:
        """Return half the width of the 95 % interval of the mean, (R,); nan for one seed."""
        return np.array(
            [
                t_quantile(n - 1) * s / math.sqrt(n) if n > 1 else math.nan
                for s, n in zip(self.deviation, self.seeds, strict=True)
            ]
        )


def summarise(curves: list[tuple[np.ndarray, np.ndarray]]) -> Summary:
    """Average curves over seeds, at every point that all seeds that came that far have.

    Args:
        curves: Per seed (samples_seen, value), each (R,); nan where nothing was computed.

    Returns:
        The summary; without rows if no point has a value.
    """
    if curves and same_points([xs for xs, _ in curves]) and np.isfinite([ys for _, ys in curves]).all():
        return _of_same_points(curves[0][0], np.array([ys for _, ys in curves]))
    values = [{int(x): float(y) for x, y in zip(xs, ys, strict=True) if math.isfinite(y)} for xs, ys in curves]
    ends = [max(value, default=-1) for value in values]
    columns = []
    for point in sorted(set().union(*values)) if values else []:
        reached = [value for value, end in zip(values, ends, strict=True) if end >= point]
        if all(point in value for value in reached):
            column = np.array([value[point] for value in reached])
            deviation = float(_deviation(column)) if len(column) > 1 else 0.0
            columns.append((point, float(column.mean()), column.min(), column.max(), deviation, len(column)))
    table = np.array(columns, dtype=np.float64).reshape(-1, 6).T
    return Summary(table[0].astype(np.int64), table[1], table[2], table[3], table[4], table[5].astype(np.int64))


def _of_same_points(samples_seen: np.ndarray, values: np.ndarray) -> Summary:
    # All seeds have all points: values are (seeds, R).
    count = len(values)
    deviation = _deviation(values) if count > 1 else np.zeros(values.shape[1])
    mean, low, high = (np.asarray(reduce(values, axis=0)) for reduce in (np.mean, np.min, np.max))
    return Summary(samples_seen.astype(np.int64), mean, low, high, deviation, np.full(len(samples_seen), count))


def _deviation(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # of runs that diverged to finite numbers: infinite
        return np.asarray(values.std(axis=0, ddof=1))
