"""The handwritten digits of scikit-learn: 1797 images of 8 x 8 pixels with 17 grey levels.

The images are part of scikit-learn, so there is no download. They are the test set of the optical digits
of Alpaydin & Kaynak (UCI, 1998), ordered by writer. A shuffle with a fixed seed makes the split: 1437
images (80 %) for training, 360 for testing and no validation set.
"""

from importlib.metadata import distribution
from typing import Literal

import numpy as np

from aevb.data import checks
from aevb.data.binarisation import as_targets, convention
from aevb.data.dataset import Dataset, Split, Splits
from aevb.data.dequantisation import Dequantisation, check_dequantisation, dequantise, dequantised_convention
from aevb.types import PositiveInt

__all__ = ["Digits"]

N_TRAIN = 1437
LEVELS = 16
FILE = "sklearn/datasets/data/digits.csv.gz"
"""A row of 64 levels and the class for each image."""


class Digits(Dataset):
    """The digits of scikit-learn with x = level/16.

    The training set is the first 1437 images in the order of RandomState(0).permutation; the test set is
    the last 360.

    Args:
        targets: The kind of the targets (see aevb.data.binarisation).
        n_train: Number of training images, taken from the start of the 1437; the test set does not change.
        dequantise: "uniform" adds noise to the grey levels (see aevb.data.dequantisation); None: none.

    Raises:
        UserError: If an argument is not allowed.
    """

    name = "digits"
    labelled = True
    validation = False
    shape = (8, 8)

    def __init__(
        self,
        targets: Literal["grey", "dynamic", "threshold"] = "grey",
        n_train: PositiveInt = N_TRAIN,
        dequantise: Dequantisation | None = None,
    ) -> None:
        checks.one_of("targets", targets, ("grey", "dynamic", "threshold"))
        checks.between("n_train", n_train, 1, N_TRAIN, "the other 360 of 1797 digits are the test set")
        if dequantise is not None:
            check_dequantisation(dequantise, targets)
        self.targets, self.n_train, self.dequantise = targets, n_train, dequantise
        self.convention = convention(targets, LEVELS) if dequantise is None else dequantised_convention(LEVELS + 1)

    def load(self) -> Splits:
        """Return the splits (see `Dataset.load`)."""
        rows = _rows()
        rows = rows[np.random.RandomState(0).permutation(len(rows))]
        levels, label = rows[:, :-1], rows[:, -1].astype(np.int64)
        train, test = self._targets(levels[: self.n_train], "train"), self._targets(levels[N_TRAIN:], "test")
        return Splits(
            train=Split(train, label[: self.n_train]),
            valid=Split(train[:0], label[:0]),
            test=Split(test, label[N_TRAIN:]),
        )

    def _targets(self, levels: np.ndarray, split: str) -> np.ndarray:
        if self.dequantise is not None:
            return dequantise(levels, LEVELS + 1, split)
        return as_targets(levels, self.targets, LEVELS)


def _rows() -> np.ndarray:
    # The images with their classes, (1797, 65) uint8. scikit-learn takes a second to import, its file some milliseconds to read.
    try:
        return np.loadtxt(str(distribution("scikit-learn").locate_file(FILE)), np.uint8, delimiter=",")
    except OSError:  # a version that keeps the file elsewhere
        from sklearn.datasets import load_digits

        levels, label = load_digits(return_X_y=True)
        return np.column_stack([levels, label]).astype(np.uint8)
