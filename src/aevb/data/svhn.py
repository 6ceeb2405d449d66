"""Street View House Numbers, cropped digits (Netzer et al. 2011): 32 x 32 colour photographs, grey or in colour.

63,257 training, 10,000 validation and 26,032 test images; the validation set is the end of the published training
set. The 531,131 extra images are not used.
"""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from aevb.data.archives import Archive
from aevb.data.colour_dataset import ColourDataset

__all__ = ["SVHN"]


class SVHN(ColourDataset):
    """SVHN, grey or in colour (see `ColourDataset` for the arguments)."""

    name = "svhn"
    shape = (32, 32)
    n_valid = 10_000

    def archives(self, datasets: ModuleType) -> Sequence[Archive]:
        """Return the two files (see `TorchvisionDataset.archives`)."""
        return [
            Archive((url,), md5)
            for url, _, md5 in (datasets.SVHN.split_list["train"], datasets.SVHN.split_list["test"])
        ]

    def read(self, datasets: ModuleType, paths: Sequence[Path], folder: Path) -> tuple[Any, Any]:
        """Read the two files (see `TorchvisionDataset.read`)."""
        return datasets.SVHN(paths[0].parent, split="train"), datasets.SVHN(paths[1].parent, split="test")

    def arrays(self, part: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return images with the colours last, and classes (see `TorchvisionDataset.arrays`)."""
        return part.data.transpose(0, 2, 3, 1), part.labels
