"""What several seeds say about one number: mean, range, standard deviation, and two intervals.

The interval is Student's t interval of the mean over n independent seeds,

    mean +- t(n - 1, (1 + level) / 2) * s / sqrt(n),    s**2 = sum (x_i - mean)**2 / (n - 1)

(Student, "The probable error of a mean", Biometrika 6, 1908). A value of one further seed of the same
distribution lies in the prediction interval

    mean +- t(n - 1, (1 + level) / 2) * s * sqrt(1 + 1 / n)

with the probability `level`. One seed has no interval.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from scipy.special import stdtrit

__all__ = ["LEVEL", "SeedStatistics", "seed_statistics", "t_quantile"]

LEVEL = 0.95
"""The level of the confidence intervals."""


class SeedStatistics(NamedTuple):
    """Statistics of one number over n seeds; the units are those of the number.

    Attributes:
        n: The number of seeds.
        mean: The mean.
        lowest: The smallest value.
        highest: The largest value.
        deviation: The standard deviation with n - 1 in the denominator; nan with one seed.
        half_width: Half the width of the t interval of the mean; nan with one seed.
        prediction_half_width: Half the width of the prediction interval of one further seed; nan with one seed.
    """

    n: int
    mean: float
    lowest: float
    highest: float
    deviation: float
    half_width: float
    prediction_half_width: float


def seed_statistics(values: Sequence[float], level: float = LEVEL) -> SeedStatistics:
    """Compute the statistics of one number over its seeds.

    Args:
        values: One finite value per seed, at least one.
        level: The level of both intervals, between 0 and 1.

    Returns:
        The statistics.

    Raises:
        ValueError: If there are no values.
    """
    n = len(values)
    if n == 0:
        raise ValueError("no values: statistics over seeds need at least one")
    # The division may round to a number beyond equal values, which would be an error bar of negative length.
    mean = min(max(math.fsum(values) / n, min(values)), max(values))
    deviation = half_width = prediction = math.nan
    if n > 1:
        deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
        half_width = t_quantile(n - 1, level) * deviation / math.sqrt(n)
        prediction = half_width * math.sqrt(n + 1)
    return SeedStatistics(n, mean, min(values), max(values), deviation, half_width, prediction)


def t_quantile(degrees: float, level: float = LEVEL) -> float:
    """Return the half width of a t interval in standard errors.

    Args:
        degrees: The degrees of freedom, at least 1.
        level: The level of the interval, between 0 and 1.

    Returns:
        The quantile (1 + level) / 2 of Student's t distribution.
    """
    return float(stdtrit(degrees, (1 + level) / 2))
