"""Several seeds as one curve: mean, range, standard deviation and a 95 % interval of the mean at every evaluation point.

The interval is Student's, mean ± t s / sqrt(n) with n - 1 degrees of freedom; beyond 30 of them t is the Cornish-Fisher
expansion about the normal quantile (Abramowitz & Stegun, 26.7.5), which is exact to four digits there.
"""

import math
from typing import NamedTuple

import numpy as np

__all__ = ["Summary", "summarise", "t_quantile"]

NORMAL = 1.959963984540054
T_QUANTILES = (
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
    2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860,
    2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423,
)  # fmt: skip


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
        """Half the width of the 95 % interval of the mean, (R,); nan for one seed."""
        return np.array(
            [
                t_quantile(n - 1) * s / math.sqrt(n) if n > 1 else math.nan
                for s, n in zip(self.deviation, self.seeds, strict=True)
            ]
        )


def t_quantile(degrees: int) -> float:
    """Return the 97.5 % quantile of Student's t distribution.

    Args:
        degrees: Degrees of freedom, at least 1.
    """
    if degrees <= len(T_QUANTILES):
        return T_QUANTILES[degrees - 1]
    z = NORMAL
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / degrees + second / degrees**2 + third / degrees**3


def summarise(curves: list[tuple[np.ndarray, np.ndarray]]) -> Summary:
    """Average curves over seeds, at every point that all seeds that came that far have.

    Args:
        curves: Per seed (samples_seen, value), each (R,); nan where nothing was computed.

    Returns:
        The summary; without rows if no point has a value.
    """
    values = [{int(x): float(y) for x, y in zip(xs, ys, strict=True) if math.isfinite(y)} for xs, ys in curves]
    ends = [max(value, default=-1) for value in values]
    columns = []
    for point in sorted(set().union(*values)) if values else []:
        reached = [value for value, end in zip(values, ends, strict=True) if end >= point]
        if all(point in value for value in reached):
            column = np.array([value[point] for value in reached])
            deviation = float(column.std(ddof=1)) if len(column) > 1 else 0.0
            columns.append((point, float(column.mean()), column.min(), column.max(), deviation, len(column)))
    table = np.array(columns, dtype=np.float64).reshape(-1, 6).T
    return Summary(table[0].astype(np.int64), table[1], table[2], table[3], table[4], table[5].astype(np.int64))
