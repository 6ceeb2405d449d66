"""The handwritten digits of scikit-learn: 1797 images of 8 x 8 pixels with 17 grey levels.

The images are part of scikit-learn, so there is no download. They are the test set of the optical digits
of Alpaydin & Kaynak (UCI, 1998), ordered by writer. A shuffle with a fixed seed makes the split: 1437
images (80 %) for training, 360 for testing and no validation set.
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
    """The digits of scikit-learn with x = level/16.

    The training set is the first 1437 images in the order of RandomState(0).permutation; the test set is
    the last 360.

    Args:
        targets: The kind of the targets (see aevb.data.binarisation).
        n_train: Number of training images, taken from the start of the 1437; the test set does not change.

    Raises:
        UserError: If an argument is not allowed.
    """

    name = "digits"
    shape = (8, 8)

    def __init__(
        self, targets: Literal["grey", "dynamic", "threshold"] = "grey", n_train: PositiveInt = N_TRAIN
    ) -> None:
        checks.one_of("targets", targets, ("grey", "dynamic", "threshold"))
        checks.between("n_train", n_train, 1, N_TRAIN, "the other 360 of 1797 digits are the test set")
        self.targets, self.n_train = targets, n_train
        self.convention = convention(targets, LEVELS)

    def load(self) -> Splits:
        """Return the splits (see `Dataset.load`)."""
        from sklearn.datasets import load_digits

        levels, label = load_digits(return_X_y=True)
        order = np.random.RandomState(0).permutation(len(levels))
        x, label = as_targets(levels[order].astype(np.uint8), self.targets, LEVELS), label[order].astype(np.int64)
        return Splits(
            train=Split(x[: self.n_train], label[: self.n_train]),
            valid=Split(x[:0], label[:0]),
            test=Split(x[N_TRAIN:], label[N_TRAIN:]),
        )
