"""USPS (Hull 1994): 16 x 16 grey digits from envelopes, as libsvm publishes them.

6,291 training, 1,000 validation and 2,007 test images; the validation set is the end of the published training set.
The published pixels lie in [-1, 1]; torchvision maps them to bytes.
"""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from aevb.data.archives import Archive
from aevb.data.torchvision_dataset import TorchvisionDataset

__all__ = ["USPS"]


class USPS(TorchvisionDataset):
    """USPS (see `TorchvisionDataset` for the arguments)."""

    name = "usps"
    shape = (16, 16)
    n_valid = 1000

    def archives(self, datasets: ModuleType) -> Sequence[Archive]:
        """Return the two files (see `TorchvisionDataset.archives`)."""
        return [
            Archive((url,), md5)
            for url, _, md5 in (datasets.USPS.split_list["train"], datasets.USPS.split_list["test"])
        ]

    def read(self, datasets: ModuleType, paths: Sequence[Path], folder: Path) -> tuple[Any, Any]:
        """Read the two files (see `TorchvisionDataset.read`)."""
        return datasets.USPS(paths[0].parent, train=True), datasets.USPS(paths[1].parent, train=False)
