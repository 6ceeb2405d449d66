"""Drawn shapes: areas against geometry, every image a function of (seed, place), and the rule that recognises them."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from aevb.data.shapes import CIRCLE, KINDS, RECTANGLE, TRIANGLE, Outline, Shapes, draw, outlines
from aevb.errors import UserError
from aevb.estimators.shape_fit import THRESHOLD, fit


def images(side: int = 28) -> tuple[np.ndarray, np.ndarray]:
    test = Shapes(side=side, n_train=1).load().test
    return test.x.reshape(-1, side, side), test.label


def test_areas_are_those_of_geometry() -> None:
    """Grey levels of an edge of one pixel's width add up to the area, but for corners: 2 % of a shape of radius 9 at most."""
    outline = outlines(0, 0, 300, 28)._replace(
        radius=np.full(300, 9.0), row=np.full(300, 14.2), column=np.full(300, 13.7)
    )
    of = {
        RECTANGLE: 4 * 81 * outline.ratio / (1 + outline.ratio**2),
        CIRCLE: np.full(300, np.pi * 81),
        TRIANGLE: np.full(300, np.sqrt(27) / 4 * 81),
    }
    expected = np.choose(outline.kind, list(of.values()))
    assert draw(outline, 28).sum((1, 2)) == pytest.approx(expected, rel=0.02)


def test_a_shape_is_drawn_at_its_position() -> None:
    zero, one = np.zeros(3), np.ones(3)
    picture = draw(Outline(np.arange(3), 9.5 * one, 12.5 * one, 5 * one, zero, 0.5 * one), 28)
    row, column = np.indices((28, 28))
    mass = picture.sum((1, 2))
    assert (picture * column).sum((1, 2)) / mass == pytest.approx(
        12 * one, abs=0.1
    )  # half a pixel from its centre; corners are cut
    assert (picture * row).sum((1, 2)) / mass == pytest.approx(9 * one, abs=0.1)
    rectangle, _, triangle = picture
    assert (rectangle > 0.5).any(0).sum() == 9  # 2a = 8.94
    assert (rectangle > 0.5).any(1).sum() == 5  # 2b = 4.47
    assert np.flatnonzero(triangle[9] > 0.5).tolist() == list(
        range(10, 17)
    )  # from 12.5 - r/2 to the corner at 12.5 + r
    assert (triangle > 0.5).sum(0)[10] == pytest.approx(np.sqrt(3) * 5, abs=1)  # the side opposite to it


def test_an_image_is_a_function_of_seed_and_index() -> None:
    data = Shapes(n_train=40)
    assert (data.shape, data.dim, str(data.convention)) == ((28, 28), 784, "grey/255")
    train, valid, test = data.load()
    assert [part.x.shape for part in (train, valid, test)] == [(40, 784), (0, 784), (1000, 784)]
    assert (train.x.dtype, train.label.dtype, train.x.min(), train.x.max()) == (np.float32, np.int64, 0, 1)
    whole = Shapes().load()
    assert np.array_equal(whole.train.x[:40], train.x)
    assert np.array_equal(whole.test.x, test.x)
    assert len(whole.train.x) == 9000
    other, some = outlines(1, 0, 50, 28), outlines(0, 7, 3, 28)
    assert all(np.array_equal(drawn, all_[7:10]) for drawn, all_ in zip(some, outlines(0, 0, 50, 28), strict=True))
    assert not np.array_equal(other.radius, outlines(0, 0, 50, 28).radius)
    assert data.hashes()["test"].startswith("7e8a5c17f271949d")


def test_kinds_are_even_and_shapes_lie_inside() -> None:
    """Counts of 9,000 labels within 4.9 standard errors (45) of a third each: a chance of 3e-6."""
    train = Shapes().load().train
    assert np.abs(np.bincount(train.label) - 3000).max() < 4.9 * np.sqrt(9000 * 2 / 9)
    assert len(KINDS) == 3
    outline = outlines(0, 0, 9000, 28)
    for centre in (outline.row, outline.column):
        assert (centre - outline.radius).min() >= 0
        assert (centre + outline.radius).max() <= 28


def test_targets_and_refusals() -> None:
    grey, dynamic, threshold = (Shapes(targets=kind, n_train=9) for kind in ("grey", "dynamic", "threshold"))
    assert [data.dynamic for data in (grey, dynamic, threshold)] == [False, True, False]
    assert np.array_equal(threshold.load().train.x, grey.load().train.x >= 0.5)
    with pytest.raises(UserError, match=r"data\.n_train=9001: out of range; allowed: 1 to 9000"):
        Shapes(n_train=9001)
    with pytest.raises(UserError, match=r"data\.side=4: out of range; allowed: 8 to 64"):
        Shapes(side=4)


@pytest.mark.parametrize("side", [16, 28])
def test_the_rule_knows_true_shapes(side: int) -> None:
    x, label = images(side)
    fitted = fit(x)
    assert (fitted.recognisable & (fitted.kind == label)).mean() >= 0.95
    assert np.quantile(fitted.overlap, 0.05) > THRESHOLD


def test_the_rule_refuses_what_is_no_shape() -> None:
    """Noise, blurs, grey, the mean image: 2 % pass at most; halves of two shapes, which may look like one by chance: 15 %."""
    x, _ = images()
    rng = np.random.default_rng(0)
    nothing = {
        "noise": rng.random(x.shape),
        "specks": (rng.random(x.shape) < 0.2).astype(float),
        "mean": x.mean(0, keepdims=True),
        "grey": 0.7 * x,
        "blur": gaussian_filter(x, (0, 2, 2)),
        "means of two": (x + np.roll(x, 1, 0)) / 2,
        "black": np.zeros((1, 28, 28)),
    }
    passed = {name: fit(y).recognisable.mean() for name, y in nothing.items()}
    assert max(passed.values()) <= 0.02, passed
    halves = np.concatenate([x[:, :14], np.roll(x, 1, 0)[:, 14:]], axis=1)
    assert fit(halves).recognisable.mean() <= 0.15


def test_the_threshold_lies_above_a_circle_taken_for_a_square() -> None:
    """A circle and a square of one area overlap by 0.8345: below that a kind is not told from another."""
    one = np.ones(1)
    square = draw(Outline(np.array([RECTANGLE]), 32 * one, 32 * one, 25 * one, 0.3 * one, one), 64)
    circle = draw(Outline(np.array([CIRCLE]), 32 * one, 32 * one, 25 * np.sqrt(2 / np.pi) * one, one, one), 64)
    overlap = np.minimum(square, circle).sum() / np.maximum(square, circle).sum()
    assert overlap == pytest.approx(0.8345, abs=0.01)
    assert overlap < THRESHOLD
