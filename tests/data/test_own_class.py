"""What a data set of a user's own class loads is refused in one line where it does not fit; data of aevb are not looked at."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from aevb.data.dataset import Dataset, Split, Splits
from aevb.data.own_class import checked_splits
from aevb.data.target_convention import TargetConvention
from aevb.errors import UserError

X = np.random.default_rng(0).random((6, 16), dtype=np.float32)
NONE = Split(X[:0], np.zeros(0, np.int64))


class Own(Dataset):
    """Images of 4 x 4 pixels, changed by a function."""

    name, shape = "own", (4, 4)
    convention = TargetConvention("binary", description="as given")

    def __init__(self, change: Callable[[np.ndarray], Any] = lambda x: x) -> None:
        self.change = change

    def load(self) -> Splits:
        split = Split(self.change(X), np.zeros(len(X), np.int64))
        return Splits(split, NONE, split)


class Reals(Own):
    unit_interval = False


class Pair(Own):
    def load(self) -> Any:
        return NONE, NONE


class Arrays(Own):
    def load(self) -> Any:
        return Splits(X, X, X)  # type: ignore[arg-type]


class NoValid(Own):
    def load(self) -> Any:
        return super().load()._replace(valid=None)  # type: ignore[arg-type]


class NoTest(Own):
    def load(self) -> Splits:
        return super().load()._replace(test=NONE)


class NoLabels(Own):
    def load(self) -> Splits:
        return super().load()._replace(test=Split(X, None))  # type: ignore[arg-type]


class Labels(Own):
    def load(self) -> Splits:
        split = Split(X, self.change(np.zeros(len(X), np.int64)))
        return Splits(split, NONE, split)


class Prose(Own):
    convention = "grey/16"  # type: ignore[assignment]


class Shapeless(Own):
    shape = None  # type: ignore[assignment]


class Larger(Own):
    shape = (5, 5)


def with_nan(x: np.ndarray) -> np.ndarray:
    return np.where(np.arange(x.size).reshape(x.shape) == 3, np.nan, x)


def test_what_fits_is_loaded() -> None:
    for dataset in (Own(), Own(lambda x: x.astype(float)), Own(lambda x: (x > 0.5).astype(np.uint8)), Reals(np.log)):
        np.testing.assert_array_equal(checked_splits(dataset).train.x, dataset.change(X))


@pytest.mark.parametrize(
    ("dataset", "wrong"),
    [
        (Own(lambda x: 255 * x), "Own: its train.x goes from "),
        (
            Reals(with_nan),
            "Reals: its train.x has values that are not finite; allowed: finite numbers; try: np.nan_to_num(x)",
        ),
        (
            Own(lambda x: x.reshape(-1, 4, 4)),
            "Own: its train.x has the shape (6, 4, 4), and its images (4, 4); allowed: (N, 16)",
        ),
        (Larger(), "Larger: its train.x has the shape (6, 16), and its images (5, 5); allowed: (N, 25)"),
        (Own(lambda x: x.tolist()), "Own: its train.x is a list; allowed: an array of numpy"),
        (
            Own(lambda x: np.ma.masked_invalid(with_nan(x))),
            "Own: its train.x is a MaskedArray; allowed: an array of numpy; try: x.filled(0)",
        ),
        (Own(lambda x: x.view(np.recarray)), "Own: its train.x is a recarray; allowed: an array of numpy"),
        (Own(lambda x: x.astype(object)), "Own: its train.x is object; allowed: float32"),
        (Own(lambda x: x.astype(str)), "Own: its train.x is <U32; allowed: float32"),
        (Own(lambda x: x.astype(complex)), "Own: its train.x is complex128; allowed: float32"),
        (Own(lambda x: x.astype(">f4")), "Own: its train.x is >f4; allowed: float32"),
        (
            Own(lambda x: x[::-1]),
            "Own: its train.x is float32 with negative strides; allowed: float32, in memory order",
        ),
        (Labels(lambda y: y.astype(float)), "Labels: its train.label is float64; allowed: integers"),
        (Labels(lambda y: y.astype(str)), "Labels: its train.label is <U21; allowed: integers"),
        (Labels(lambda y: y[::-1]), "Labels: its train.label is int64 with negative strides; allowed: integers"),
        (Prose(), "Prose: its convention is 'grey/16'; allowed: a TargetConvention"),
        (Pair(), "Pair: load() returned a tuple; allowed: Splits(train, valid, test)"),
        (Arrays(), "Arrays: its train is a ndarray; allowed: Split(x, label)"),
        (NoValid(), "NoValid: its valid is a NoneType; allowed: Split(x, label)"),
        (NoTest(), "NoTest: its test has no images"),
        (NoLabels(), "NoLabels: its test.label is NoneType for 6 images"),
        (Shapeless(), "Shapeless: its shape is None; allowed: (rows, columns)"),
    ],
)
def test_what_does_not_fit_is_refused(dataset: Dataset, wrong: str) -> None:
    with pytest.raises(UserError) as refusal:
        checked_splits(dataset)
    assert str(refusal.value).startswith(f"data: {wrong}")
    assert len(str(refusal.value).splitlines()) == 1
