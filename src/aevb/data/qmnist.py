"""QMNIST (Yadav & Bottou 2019): MNIST made again from its source, with all 60,000 test images.

50,000 training, 10,000 validation and 60,000 test images of 28 x 28 pixels; the validation set is the end of the
published training set, as for MNIST. The first 10,000 test images are those of MNIST.
"""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from aevb.data.archives import Archive
from aevb.data.idx_dataset import IdxDataset

__all__ = ["QMNIST"]


class QMNIST(IdxDataset):
    """QMNIST (see `TorchvisionDataset` for the arguments)."""

    name = "qmnist"
    torchvision_name = "QMNIST"

    def archives(self, datasets: ModuleType) -> Sequence[Archive]:
        """Return the four files (see `TorchvisionDataset.archives`)."""
        resources = datasets.QMNIST.resources
        return [Archive((url,), md5, "QMNIST/raw") for part in ("train", "test") for url, md5 in resources[part]]

    def arrays(self, part: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return images and classes; the first of the eight columns of a label is the class.

        See `IdxDataset.arrays`.
        """
        return np.asarray(part.data), np.asarray(part.targets)[:, 0]
