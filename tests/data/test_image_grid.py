"""Pictures of many images: where each image is, what lies between, and which grey stands for which value."""

import numpy as np

from aevb.data.image_grid import grey_levels, image_grid


def test_a_grid_is_near_square_and_in_order() -> None:
    images = np.linspace(0, 1, 20, dtype=np.float32)[:, None, None] * np.ones((20, 28, 28), dtype=np.float32)
    picture = image_grid(images, gap=1, border=1, fill=0.35, width=32)
    assert picture.shape == (5 * 29 + 1, 4 * 29 + 1)
    centres = picture[15::29, 15::29]
    np.testing.assert_allclose(centres.ravel(), np.linspace(0, 1, 20), atol=1e-6)
    assert set(picture[0]) == set(picture[:, 0]) == {np.float32(0.35)}


def test_given_columns_without_a_border() -> None:
    images = np.arange(5, dtype=np.float64)[:, None, None] * np.ones((1, 2, 1))
    picture = image_grid(images, 3, gap=1, width=1)
    assert picture.tolist() == [
        [0, 0.75, 1, 0.75, 2],
        [0, 0.75, 1, 0.75, 2],
        [0.75] * 5,
        [3, 0.75, 4, 0.75, 0.75],
        [3, 0.75, 4, 0.75, 0.75],
    ]


def test_grey_keeps_images_and_stretches_over_other_data() -> None:
    inside, outside = np.array([[0.2, 0.8]]), np.array([[-1.0, 3.0]])
    np.testing.assert_allclose(grey_levels(inside, inside), [[0.2, 0.8]])
    np.testing.assert_allclose(grey_levels(outside, outside), [[0, 1]])
    np.testing.assert_allclose(grey_levels(np.array([[-9.0, 1.0]]), outside), [[0, 0.5]])
