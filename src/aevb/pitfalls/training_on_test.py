"""PITFALL: the test images are among the training images.

The gap between the training bound and the test bound closes, the test bound rises by what was
memorised, and nothing else looks wrong. Seen in: the VAE example of keras-io, which trains on both
parts together; another repository uses its test set as validation set. Exposed by
tests/pitfalls/test_gallery.py: no test image is trained on; in general, search the training images
for test images.
"""

from dataclasses import replace
from typing import Literal

import numpy as np

from aevb.data.dataset import Split, Splits
from aevb.data.digits import Digits

__all__ = ["TrainingOnTest"]


class TrainingOnTest(Digits):
    """The digits, with the test images added to the training images.

    Args:
        targets: Kind of targets, as for `Digits`.
        n_train: Number of training images before the test images are added.
    """

    def __init__(self, targets: Literal["grey", "dynamic", "threshold"] = "grey", n_train: int = 1437) -> None:
        super().__init__(targets, n_train)
        self.convention = replace(self.convention, remark="test images among the training images")

    def load(self) -> Splits:
        """Return the splits, of which the training and test parts overlap."""
        train, valid, test = super().load()
        both = Split(np.concatenate([train.x, test.x]), np.concatenate([train.label, test.label]))
        return Splits(both, valid, test)  # right: Splits(train, valid, test)
