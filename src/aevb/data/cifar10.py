"""CIFAR-10 (Krizhevsky 2009): 32 x 32 colour photographs in ten classes, grey or in colour.

45,000 training, 5,000 validation and 10,000 test images; the validation set is the end of the published training
set. The files in the archive are pickles: torchvision reads each only after its md5, and ours that of the archive,
has been compared.
"""

import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from aevb.data.archives import Archive
from aevb.data.colour_dataset import ColourDataset
from aevb.errors import UserError

__all__ = ["CIFAR10"]


class CIFAR10(ColourDataset):
    """CIFAR-10, grey or in colour (see `ColourDataset` for the arguments)."""

    name = "cifar10"
    shape = (32, 32)
    n_valid = 5000

    def archives(self, datasets: ModuleType) -> Sequence[Archive]:
        """Return the one archive (see `TorchvisionDataset.archives`)."""
        return [Archive((datasets.CIFAR10.url,), datasets.CIFAR10.tgz_md5)]

    def read(self, datasets: ModuleType, paths: Sequence[Path], folder: Path) -> tuple[Any, Any]:
        """Unpack and read the batches (see `TorchvisionDataset.read`)."""
        kind = datasets.CIFAR10
        names = [name for name, _ in (*kind.train_list, *kind.test_list)] + [kind.meta["filename"]]
        target = folder / kind.base_folder
        target.mkdir()
        with tarfile.open(paths[0]) as archive:
            for name in names:
                try:
                    member = archive.extractfile(f"{kind.base_folder}/{name}")
                except KeyError:
                    member = None
                if member is None:
                    raise UserError(
                        f"{paths[0]}: holds no {kind.base_folder}/{name}; try: delete it to download it again"
                    )
                with member, (target / name).open("wb") as file:
                    shutil.copyfileobj(member, file)
        return kind(folder, train=True), kind(folder, train=False)
