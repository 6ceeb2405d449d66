"""PITFALL: the test images among the training images.

The gap between training and test bound closes, the test bound rises by what was memorised, and nothing else looks wrong.
Seen: keras-io's VAE example trains on both parts put together; another repository's validation file is its test set. Exposed
by tests/pitfalls/test_gallery.py::test_no_test_image_is_trained_on; in general by looking for test rows among the training rows.
"""

from typing import Literal

import numpy as np

from aevb.data.dataset import Split, Splits
from aevb.data.digits import Digits

__all__ = ["TrainingOnTest"]


class TrainingOnTest(Digits):
    """The digits with the test part in the training part too. targets: those of `Digits`."""

    def __init__(self, targets: Literal["grey", "dynamic", "threshold"] = "grey") -> None:
        super().__init__(targets)
        self.convention += ", test images among the training images"

    def load(self) -> Splits:
        """The splits, of which two overlap."""
        train, valid, test = super().load()
        both = Split(np.concatenate([train.x, test.x]), np.concatenate([train.label, test.label]))
        return Splits(both, valid, test)  # right: Splits(train, valid, test)
