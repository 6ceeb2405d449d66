"""Numbers of tables as text."""

import math

import pytest

from aevb.figures.common.style import estimate


@pytest.mark.parametrize(
    ("mean", "error", "form", "expected"),
    [
        (-29.344, 0.126, "", "-29.34 ± 0.13"),
        (-29.344, math.nan, "", "-29.34"),
        (-29.344, None, ".3f", "-29.344"),
        (-2948.5, 1234.5, ",.1f", "-2,948.5 ± 1234.5"),
        (0.5, 0.25, "+.4f", "+0.5000 ± 0.2500"),
        (-2.9e18, 4e13, "", "-2.9e+18 ± 4e+13"),
        (-0.001, 0.01, "", "0.00 ± 0.01"),
        (None, None, "", "–"),
        (math.nan, 0.1, ".2f", "–"),
    ],
)
def test_an_estimate_without_a_standard_error_is_the_mean_alone(mean, error, form, expected):
    assert estimate(mean, error, form) == expected
