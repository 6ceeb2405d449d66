"""Uniform dequantisation: the noise, the names, and the bound that it gives."""

import numpy as np
import pytest

from aevb.data.dequantisation import dequantise
from aevb.data.digits import Digits
from aevb.errors import UserError


def test_the_noise_is_a_function_of_the_split() -> None:
    levels = np.arange(60, dtype=np.uint8).reshape(20, 3)
    first, again, other = (dequantise(levels, 256, split) for split in ("train", "train", "test"))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.array_equal(dequantise(levels[:7], 256, "train"), first[:7])
    assert np.array_equal(np.floor(first * 256), levels)


def test_the_highest_level_stays_below_one() -> None:
    assert dequantise(np.full((1000, 1000), 255, np.uint8), 256, "train").max() < 1


def test_jensens_bound_of_a_uniform_density() -> None:
    """A density that is constant on each cell has E log p((k + u)/s) - log s = log P(k) exactly."""
    probabilities = np.array([0.5, 0.25, 0.125, 0.125])
    levels = np.repeat(np.arange(4), 50)[:, None]
    x = dequantise(levels, 4, "test")
    log_density = np.log(4 * probabilities[np.floor(4 * x).astype(int)])
    assert np.allclose(log_density - np.log(4), np.log(probabilities[levels]))


def test_a_data_set_says_so_in_its_name() -> None:
    data = Digits(dequantise="uniform")
    splits, plain = data.load(), Digits().load()
    assert str(data.convention) == "grey levels dequantised, (k + u)/17"
    assert np.array_equal(np.floor(splits.test.x * 17), plain.test.x * 16)
    assert splits.train.x.std(0).min() > 0  # three pixels of the digits are constant without noise
    assert plain.train.x.std(0).min() == 0
    with pytest.raises(UserError, match=r"data\.dequantise=uniform: data\.targets=dynamic are binary"):
        Digits(targets="dynamic", dequantise="uniform")
