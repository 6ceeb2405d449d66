"""How an estimate is printed."""

import math

import pytest

from aevb.console.estimates import with_error


@pytest.mark.parametrize(
    ("error", "text"), [(0.126, "-11.08 ± 0.13"), (0.0, "-11.08 ± 0.00"), (math.nan, "-11.08"), (None, "-11.08")]
)
def test_an_estimate_without_an_error_is_its_mean(error: float | None, text: str) -> None:
    assert with_error(-11.081, error, 2) == text
