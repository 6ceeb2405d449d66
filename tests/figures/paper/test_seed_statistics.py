"""Statistics over seeds against Student's own data and a second implementation."""

import math

import numpy as np
import pytest
import scipy.stats

from aevb.figures.paper.seed_statistics import seed_statistics, t_quantile

# The differences of Student (1908), table of the additional hours of sleep: mean 1.58, s.d. 1.23, t = 4.06.
SLEEP = (1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4)


def test_student_1908():
    seeds = seed_statistics(SLEEP)
    assert (seeds.n, seeds.lowest, seeds.highest) == (10, 0.0, 4.6)
    assert seeds.mean == pytest.approx(1.58)
    assert seeds.deviation == pytest.approx(1.229995, abs=1e-6)
    assert seeds.mean - seeds.half_width == pytest.approx(0.7001142, abs=1e-6)  # as R's t.test(sleep) prints
    assert seeds.mean + seeds.half_width == pytest.approx(2.4598858, abs=1e-6)


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_the_interval_is_scipys(level):
    seeds = seed_statistics(SLEEP, level)
    low, high = scipy.stats.t.interval(level, len(SLEEP) - 1, loc=seeds.mean, scale=scipy.stats.sem(SLEEP))
    assert (seeds.mean - seeds.half_width, seeds.mean + seeds.half_width) == pytest.approx((low, high))


@pytest.mark.parametrize(("seeds", "left_out"), [(3, 0.164), (5, 0.320)])
def test_one_further_seed_lies_in_the_prediction_interval(seeds, left_out):
    """95 % of them; the t interval of the mean leaves out more. 4,000 repeats: 5 standard errors, failure rate 1e-6."""
    values = np.random.default_rng(0).normal(-100.0, 3.0, (4000, seeds + 1))
    repeats = [(seed_statistics(list(row[:-1])), row[-1]) for row in values]
    inside = np.mean([abs(one.mean - further) <= one.prediction_half_width for one, further in repeats])
    outside_mean = np.mean([abs(one.mean - further) > one.half_width for one, further in repeats])
    assert inside == pytest.approx(0.95, abs=5 * (0.95 * 0.05 / 4000) ** 0.5)
    assert outside_mean == pytest.approx(left_out, abs=5 * (left_out * (1 - left_out) / 4000) ** 0.5)


def test_one_seed_has_no_interval_and_none_is_refused():
    assert math.isnan(seed_statistics([3.0]).half_width)
    assert math.isnan(seed_statistics([3.0]).prediction_half_width)
    with pytest.raises(ValueError, match="at least one"):
        seed_statistics([])


def test_the_mean_of_equal_values_is_that_value():
    """fsum / n rounds to the number above or below for some of them."""
    for value in np.random.default_rng(0).normal(-100.0, 3.0, 300).tolist():
        for n in (3, 5, 6):
            assert seed_statistics([value] * n).mean == value


def test_quantiles_of_a_printed_table():
    """Two-sided 95 % and 99 %, as statistical tables print them."""
    printed = {1: (12.706, 63.657), 2: (4.303, 9.925), 10: (2.228, 3.169), 30: (2.042, 2.750), 120: (1.980, 2.617)}
    for degrees, quantiles in printed.items():
        assert [round(t_quantile(degrees, level), 3) for level in (0.95, 0.99)] == list(quantiles)
