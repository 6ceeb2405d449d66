"""EMNIST (Cohen, Afshar, Tapson & van Schaik 2017): 28 x 28 handwritten digits and letters.

The file stores each image with rows and columns exchanged; here they are upright. The validation set is the end of
the published training set and as large as the test set, as the authors suggest:

    split      training   validation   test     classes
    digits     200,000    40,000       40,000   10
    letters    104,000    20,800       20,800   26, numbered from 1
    balanced    94,000    18,800       18,800   47
"""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np

from aevb.data import checks
from aevb.data.archives import Archive, unpack_gzip
from aevb.data.dequantisation import Dequantisation
from aevb.data.torchvision_dataset import TorchvisionDataset
from aevb.errors import UserError
from aevb.types import PositiveInt

__all__ = ["EMNIST"]

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "test-images-idx3-ubyte", "test-labels-idx1-ubyte")


class EMNIST(TorchvisionDataset):
    """EMNIST.

    Args:
        root: The data folder; None: the environment variable AEVB_DATA if it is set, otherwise ./data.
        split: "digits", "letters" or "balanced" (see the module).
        targets: The kind of the targets (see aevb.data.binarisation).
        scale: The divisor of the bytes.
        n_train: Number of training images, taken from the start; None: all.
        download: Whether to download the archive, which has half a gigabyte, if it is missing.
        mirror: URL of a folder that is used instead of the published address.
        dequantise: "uniform" adds noise to the bytes, divided by 256 (see aevb.data.dequantisation); None: none.

    Raises:
        UserError: If an argument is not allowed.
    """

    name = "emnist"
    shape = (28, 28)

    def __init__(
        self,
        root: str | None = None,
        split: Literal["digits", "letters", "balanced"] = "digits",
        targets: Literal["grey", "dynamic", "threshold"] = "grey",
        scale: Literal[255, 256] = 255,
        n_train: PositiveInt | None = None,
        download: bool = True,
        mirror: str | None = None,
        dequantise: Dequantisation | None = None,
    ) -> None:
        checks.one_of("split", split, ("digits", "letters", "balanced"))
        super().__init__(root, targets, scale, n_train, download, mirror, dequantise)
        self.split = split

    def archives(self, datasets: ModuleType) -> Sequence[Archive]:
        """Return the one archive of all splits (see `TorchvisionDataset.archives`)."""
        return [Archive((datasets.EMNIST.url,), datasets.EMNIST.md5, "EMNIST/raw")]

    def read(self, datasets: ModuleType, paths: Sequence[Path], folder: Path) -> tuple[Any, Any]:
        """Unpack and read the four files of the split (see `TorchvisionDataset.read`)."""
        raw = folder / "EMNIST" / "raw"
        raw.mkdir(parents=True)
        with zipfile.ZipFile(paths[0]) as archive:
            for file in FILES:
                name = f"emnist-{self.split}-{file}"
                try:
                    member = archive.open(f"gzip/{name}.gz")
                except KeyError as error:
                    raise UserError(
                        f"{paths[0]}: holds no gzip/{name}.gz; try: delete it to download it again"
                    ) from error
                with member:
                    unpack_gzip(member, raw / name)
        return tuple(datasets.EMNIST(folder, split=self.split, train=train) for train in (True, False))

    def arrays(self, part: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return upright images and classes (see `TorchvisionDataset.arrays`)."""
        return np.asarray(part.data).transpose(0, 2, 1), np.asarray(part.targets)

    def _validation_images(self, n_test: int) -> int:
        return n_test
