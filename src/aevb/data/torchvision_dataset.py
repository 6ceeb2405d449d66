"""Base class of the data sets that torchvision reads.

torchvision knows where the files are, their md5, and their format. The download and the checks are ours: an archive
is written atomically and with time-outs, and its md5 is compared at every use and not only after a download
(`aevb.data.archives`). The sha256 of what is read is in the data.json of every run, so a run is never continued or
evaluated on other data.

torchvision is imported only when such a data set is loaded.
"""

import tempfile
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Literal

import numpy as np

from aevb.data import checks
from aevb.data.archives import Archive, obtain_archives
from aevb.data.binarisation import as_targets, convention
from aevb.data.dataset import Dataset, Split, Splits
from aevb.data.dequantisation import Dequantisation, check_dequantisation, dequantise, dequantised_convention
from aevb.data.torchvision_import import import_datasets
from aevb.errors import UserError
from aevb.types import PositiveInt

__all__ = ["TorchvisionDataset"]

LUMA = np.array([19595, 38470, 7471], np.uint32)
"""Weights of red, green and blue in units of 2^-16 (ITU-R 601-2), as Pillow's conversion to "L" has them."""


class TorchvisionDataset(Dataset):
    """A data set of torchvision with 8 bits for each pixel; colour becomes grey.

    A subclass says which archives it has and how torchvision reads them. The validation set is the end of the
    published training set.

    Args:
        root: The data folder; None: the environment variable AEVB_DATA if it is set, otherwise ./data.
        targets: The kind of the targets (see aevb.data.binarisation).
        scale: The divisor of the bytes.
        n_train: Number of training images, taken from the start; None: all.
        download: Whether to download missing files.
        mirror: URL of a folder that is used instead of the published addresses.
        dequantise: "uniform" adds noise to the bytes, divided by 256 (see aevb.data.dequantisation); None: none.

    Attributes:
        n_valid: Number of validation images, taken from the end of the published training set.

    Raises:
        UserError: If an argument is not allowed.
    """

    n_valid: ClassVar[int]
    labelled = True

    def __init__(
        self,
        root: str | None = None,
        targets: Literal["grey", "dynamic", "threshold"] = "grey",
        scale: Literal[255, 256] = 255,
        n_train: PositiveInt | None = None,
        download: bool = True,
        mirror: str | None = None,
        dequantise: Dequantisation | None = None,
    ) -> None:
        checks.one_of("targets", targets, ("grey", "dynamic", "threshold"))
        checks.one_of("scale", scale, (255, 256))
        if dequantise is not None:
            check_dequantisation(dequantise, targets)
        self.root, self.targets, self.scale, self.n_train = root, targets, scale, n_train
        self.download, self.mirror, self.dequantise = download, mirror, dequantise
        self.convention = convention(targets, scale) if dequantise is None else dequantised_convention(256)

    @abstractmethod
    def archives(self, datasets: ModuleType) -> Sequence[Archive]:
        """Return the archives, as torchvision states them.

        Args:
            datasets: The module torchvision.datasets.
        """

    @abstractmethod
    def read(self, datasets: ModuleType, paths: Sequence[Path], folder: Path) -> tuple[Any, Any]:
        """Let torchvision read the training and the test set.

        Args:
            datasets: The module torchvision.datasets.
            paths: The verified archives.
            folder: An empty folder, for what must be unpacked.

        Returns:
            Two objects with the images and the classes (see `arrays`).
        """

    def arrays(self, part: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the images, (N, rows, columns) or (N, rows, columns, 3) uint8, and the classes, (N,).

        Args:
            part: A data set of torchvision.
        """
        return np.asarray(part.data), np.asarray(part.targets)

    def load(self) -> Splits:
        """Return the splits (see `Dataset.load`)."""
        datasets = import_datasets()
        title = f"data={self.name}"
        paths = obtain_archives(title, self.archives(datasets), self.root, self.download, self.mirror)
        with tempfile.TemporaryDirectory() as folder:
            try:
                train, test = map(self._checked, self.read(datasets, paths, Path(folder)))
            except UserError:
                raise
            except Exception as error:  # the readers of torchvision raise what a damaged file makes them raise
                reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
                raise UserError(
                    f"{paths[0]}: not what torchvision reads as {title} ({reason}); try: delete it to download it again"
                ) from error
        (levels, label), (test_levels, test_label) = train, test
        n_valid = self._validation_images(len(test_levels))
        n_train = len(levels) - n_valid
        if self.n_train is not None:
            checks.between("n_train", self.n_train, 1, n_train, f"the last {n_valid} are the validation set")
            used = self.n_train
        else:
            used = n_train
        return Splits(
            train=Split(self._levels_to_targets(levels[:used], "train"), label[:used]),
            valid=Split(self._levels_to_targets(levels[n_train:], "valid"), label[n_train:]),
            test=Split(self._levels_to_targets(test_levels, "test"), test_label),
        )

    def _validation_images(self, n_test: int) -> int:
        return self.n_valid

    def _checked(self, part: Any) -> tuple[np.ndarray, np.ndarray]:
        images, label = self.arrays(part)
        if images.dtype != np.uint8 or images.shape[1:3] != self.shape[:2] or label.shape != (len(images),):
            raise ValueError(f"images {images.dtype} {images.shape}, classes {label.shape}")
        if len(self.shape) == 3:
            return np.ascontiguousarray(images).reshape(len(images), self.dim), label.astype(np.int64)
        grey = np.empty((len(images), self.dim), np.uint8)
        for start in range(0, len(images), 1024):
            block = images[start : start + 1024]
            if block.ndim == 4:
                block = ((block.astype(np.uint32) @ LUMA + (1 << 15)) >> 16).astype(np.uint8)
            grey[start : start + 1024] = block.reshape(len(block), -1)
        return grey, label.astype(np.int64)

    def _levels_to_targets(self, levels: np.ndarray, split: str) -> np.ndarray:
        if self.dequantise is not None:
            return dequantise(levels, 256, split)
        return as_targets(levels, self.targets, self.scale)
