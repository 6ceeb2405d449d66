"""The grids in TensorBoard, which torchvision makes, against aevb's own grid of the figures."""

import numpy as np
import pytest

from aevb.data.image_grid import image_grid
from aevb.loggers.pictures import _picture


@pytest.mark.parametrize("count", [1, 2, 7, 20])
@pytest.mark.parametrize(("gap", "fill", "width"), [(1, 0.35, 32), (4, 1.0, 84)])
def test_a_grid_is_that_of_the_figures(count: int, gap: int, fill: float, width: int) -> None:
    images = np.random.RandomState(0).rand(count, 28, 20).astype(np.float32)
    columns = min(count, 5)
    expected = image_grid(images, columns, gap, border=gap, fill=fill, width=width)
    assert np.array_equal(_picture(images, columns, gap, fill, width), expected)
