"""Base class of the data sets in the format of MNIST: four gzipped idx files."""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from aevb.data.archives import Archive, unpack_gzip
from aevb.data.torchvision_dataset import TorchvisionDataset

__all__ = ["IdxDataset"]


class IdxDataset(TorchvisionDataset):
    """A data set whose class in torchvision is a subclass of torchvision's MNIST (see `TorchvisionDataset`).

    Attributes:
        torchvision_name: The name of that class, and of the subfolder of the data folder.
    """

    shape = (28, 28)
    n_valid = 10_000
    torchvision_name: str

    def archives(self, datasets: ModuleType) -> Sequence[Archive]:
        """Return the four files (see `TorchvisionDataset.archives`)."""
        kind = getattr(datasets, self.torchvision_name)
        folder = f"{self.torchvision_name}/raw"
        return [
            Archive(tuple(f"{mirror}{name}" for mirror in kind.mirrors), md5, folder) for name, md5 in kind.resources
        ]

    def read(self, datasets: ModuleType, paths: Sequence[Path], folder: Path) -> tuple[Any, Any]:
        """Read the four files (see `TorchvisionDataset.read`)."""
        kind = getattr(datasets, self.torchvision_name)
        raw = folder / self.torchvision_name / "raw"
        raw.mkdir(parents=True)
        for path in paths:
            with path.open("rb") as file:
                unpack_gzip(file, raw / path.name.removesuffix(".gz"))
        return kind(folder, train=True), kind(folder, train=False)
