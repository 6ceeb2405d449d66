"""Pixels that are constant over the training set."""

import numpy as np
import pytest

from aevb.data.constant_pixels import constant_pixels, named


@pytest.mark.parametrize("count", [1, 2, 5000, 9000])
def test_against_numpy(count: int) -> None:
    x = np.random.RandomState(0).rand(count, 7).astype(np.float32)
    x[:, [2, 5]] = 0.25
    x[-1, 5] += count == 9000
    assert constant_pixels(x).tolist() == np.flatnonzero(np.ptp(x, 0) == 0).tolist()


def test_words() -> None:
    assert named([3], 64) == "1 of 64 pixel is constant in the training set (columns 3)"
    assert named(list(range(9)), 64) == "9 of 64 pixels are constant in the training set (columns 0, 1, 2, 3, 4, ...)"
