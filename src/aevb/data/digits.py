"""The handwritten digits that come with scikit-learn: 1797 images of 8 x 8 pixels, 17 grey levels, no download.

They are the test part of Alpaydin & Kaynak's optical digits (UCI, 1998), in the writers' order; a fixed shuffle
makes the split: 1437 (80 %) to train, 360 to test, no validation part.
"""

from typing import Literal

import numpy as np

from aevb.data import checks
from aevb.data.binarisation import as_targets, convention
from aevb.data.dataset import Dataset, Split, Splits
from aevb.types import PositiveInt

__all__ = ["Digits"]

N_TRAIN = 1437
LEVELS = 16


class Digits(Dataset):
    """scikit-learn's digits, x = level/16; the split is the first 1437 and last 360 of RandomState(0).permutation.

    n_train: the first of the 1437; the test set stays.
    """

    name = "digits"
    shape = (8, 8)

    def __init__(
        self, targets: Literal["grey", "dynamic", "threshold"] = "grey", n_train: PositiveInt = N_TRAIN
    ) -> None:
        checks.one_of("targets", targets, ("grey", "dynamic", "threshold"))
        checks.between("n_train", n_train, 1, N_TRAIN, "the other 360 of 1797 digits are the test set")
        self.targets, self.n_train = targets, n_train
        self.dynamic = targets == "dynamic"
        self.convention = convention(targets, LEVELS)

    def load(self) -> Splits:
        from sklearn.datasets import load_digits

        levels, label = load_digits(return_X_y=True)
        order = np.random.RandomState(0).permutation(len(levels))
        x, label = as_targets(levels[order].astype(np.uint8), self.targets, LEVELS), label[order].astype(np.int64)
        return Splits(
            train=Split(x[: self.n_train], label[: self.n_train]),
            valid=Split(x[:0], label[:0]),
            test=Split(x[N_TRAIN:], label[N_TRAIN:]),
        )
