"""Images and labels of a caller: what is taken, and the remedy for what is not."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from aevb.data.target_convention import TargetConvention
from aevb.errors import UserError
from aevb.evaluation.model_inputs import ModelInputs

GREY = TargetConvention("grey", 255)
REAL = TargetConvention("real", description="float64, as given")


def inputs(
    shape: tuple[int, ...] = (2, 3),
    targets: TargetConvention = GREY,
    classes: int | None = None,
    likelihood: str = "gaussian",
) -> ModelInputs:
    model = SimpleNamespace(likelihood=likelihood)
    run: Any = SimpleNamespace(directory=Path("r"), shape=shape, classes=classes, targets=targets, model=model)
    return ModelInputs(run, torch.float32)


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
def test_bytes_that_became_floats_are_refused(likelihood: str) -> None:
    levels = np.arange(12, dtype=np.float32).reshape(2, 6)
    model = inputs(likelihood=likelihood)
    with pytest.raises(UserError, match=r"^x: values from 0 to 11; .*grey/255; try: x / 255$"):
        model.images(levels)
    assert torch.equal(model.images(levels / 255), torch.from_numpy(levels / np.float32(255)))
    assert torch.equal(inputs(targets=REAL).images(levels), torch.from_numpy(levels))


def test_reconstructions_a_little_above_one_are_images() -> None:
    assert inputs().images(np.full((1, 6), 1.001)).max() > 1


@pytest.mark.parametrize(
    ("shape", "x", "remedy"),
    [
        ((2, 2, 3), np.zeros((5, 3, 2, 2)), "numpy.moveaxis(x, -3, -1)"),
        ((2, 2, 3), torch.zeros(3, 2, 2), "x.movedim(-3, -1)"),
        ((2, 2, 3), np.zeros((6, 2, 2)), "images of the size of the run's test().x"),
        ((2, 3), np.zeros((5, 2, 3, 1)), "x[..., 0]"),
        ((2, 3), np.zeros((5, 3, 2)), "x.reshape(-1, 6)"),
        ((2, 3), np.zeros((6, 5)), "images of the size of the run's test().x"),
    ],
)
def test_the_remedy_does_not_mix_up_pixels(shape: tuple[int, ...], x: Any, remedy: str) -> None:
    with pytest.raises(UserError) as caught:
        inputs(shape).images(x)
    assert str(caught.value).endswith(f"try: {remedy}")


@pytest.mark.filterwarnings("error")
def test_what_numpy_makes_an_array_of() -> None:
    pandas = pytest.importorskip("pandas")
    x = np.random.default_rng(0).random((4, 6))
    expected = inputs().images(x)
    for other in (pandas.DataFrame(x), x.tolist(), list(x), torch.from_numpy(x).to_sparse(), list(torch.from_numpy(x))):
        assert torch.equal(inputs().images(other), expected)
    with pytest.raises(UserError, match="x: DataFrame is no array of numbers"):
        inputs().images(pandas.DataFrame({"a": ["cat"]}))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint64, np.int32, ">i4"])
def test_labels_are_integers_of_any_size(dtype: str) -> None:
    y = np.array([2, 0], dtype)
    y.flags.writeable = False  # as those of pandas may be
    model = inputs(classes=3)
    assert model.one_hot(y, (2,)).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert model.one_hot(torch.tensor(1), (2,)).tolist() == [[0, 1, 0], [0, 1, 0]]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["cat", "dog"], "y: <U3; allowed: integers from 0 to 2"),
        ([[0], [1, 2]], "y: list is no array of integers"),
        ([0.0, 1.0], "y: float64; allowed"),
        (np.array([2**63, 0], np.uint64), "y: 0 to 9223372036854775808; allowed"),
        ([0, None], "y: object; allowed"),
    ],
)
def test_labels_that_are_no_integers_are_refused(y: Any, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        inputs(classes=3).one_hot(y, (2,))
    assert "\n" not in str(caught.value)


def test_an_empty_list_is_no_labels_and_a_fault_has_the_name_of_the_argument() -> None:
    assert inputs(classes=3).one_hot([], (0,)).shape == (0, 3)
    with pytest.raises(UserError, match=r"^labels: 3 to 3; .*try: labels=numpy\.zeros"):
        inputs(classes=3).one_hot([3], (1,), "labels")


def test_grey_levels_for_binary_targets_are_warned_of() -> None:
    grey, bits = torch.full((2, 6), 0.5), torch.ones(2, 6)
    dynamic = inputs(targets=TargetConvention("dynamic", 255), likelihood="bernoulli")
    with pytest.warns(UserWarning, match="x: grey levels, and the targets of r are binary: log p"):
        dynamic.warn_of_grey(grey)
    dynamic.warn_of_grey(bits)
    for other in (
        inputs(likelihood="bernoulli"),
        inputs(targets=REAL),
        inputs(targets=TargetConvention("dynamic", 255)),
    ):
        other.warn_of_grey(grey)
