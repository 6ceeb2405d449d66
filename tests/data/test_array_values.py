"""A column that float32 cannot tell from a constant is refused; a constant one is not."""

from pathlib import Path

import numpy as np
import pytest

from aevb.data.array import ArrayDataset
from aevb.data.array_values import lost_in_float32, smallest_range
from aevb.errors import UserError

NOISE = np.random.RandomState(0).standard_normal((60, 3))


@pytest.mark.parametrize(
    "array",
    [
        NOISE,
        1e4 + NOISE,
        np.full((60, 3), 0.3),
        np.full((60, 3), 0.3) * (1 + 1e-15 * NOISE),
        np.zeros((60, 3)),
        (1.7e9 + NOISE).astype(np.float32),
        np.arange(180).reshape(60, 3) - 90,
        np.full((60, 3), np.nan),
    ],
)
def test_what_float32_can_tell_apart_is_taken(array: np.ndarray) -> None:
    assert lost_in_float32({"test": array[:1], "train": array}) is None


@pytest.mark.parametrize("array", [1.7e9 + 20 * NOISE, 10**12 + np.arange(180).reshape(60, 3), 1e6 + 0.1 * NOISE])
def test_what_float32_rounds_away_is_refused(array: np.ndarray, tmp_path: Path) -> None:
    """Seconds since 1970, say: of a column with a standard deviation of 20, one value was left."""
    array = np.concatenate([np.arange(60)[:, None], array], 1)
    np.save(tmp_path / "mine.npy", array)
    with pytest.raises(
        UserError, match=r"x has values from .* in column 1, and numbers are float32, .*try: x - x.mean"
    ) as error:
        ArrayDataset(str(tmp_path / "mine.npy"), values="real").load()
    assert "\n" not in str(error.value)


def test_numbers_below_those_of_float32_are_refused() -> None:
    """Products of many probabilities, say: they became 0, and the bound that of zeros."""
    assert lost_in_float32({"x": 1e-30 * NOISE}) is None
    message = lost_in_float32({"x": 1e-60 * NOISE})
    assert message is not None
    assert message.endswith(
        "whose steps there are 1.4e-45; allowed: a spread of 32 steps; try: (x - x.mean(0)) / x.std(0)"
    )


def test_the_smallest_range_leaves_constant_columns_out() -> None:
    assert smallest_range(np.array([[1, 3, -1], [1, 3.5, 3]], np.float32)) == 0.5
    assert smallest_range(np.ones((4, 2), np.float32)) == np.inf
