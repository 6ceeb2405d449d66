"""Caltech 101 Silhouettes (Marlin, Swersky, Chen & de Freitas 2010): 28 x 28 binary outlines of objects.

4,100 training, 2,264 validation and 2,307 test images in 101 classes, as published. The file stores each image column
by column. Nobody published a hash of it: its shapes and its values are checked, and the sha256 of what was read is in
the data.json of every run.
"""

import numpy as np

from aevb.data import checks
from aevb.data.archives import Archive, obtain_archives
from aevb.data.dataset import Dataset, Split, Splits
from aevb.data.mat_arrays import read_matrices
from aevb.data.omniglot import upright
from aevb.data.target_convention import TargetConvention
from aevb.errors import UserError
from aevb.types import PositiveInt

__all__ = ["Silhouettes"]

URL = "https://people.cs.umass.edu/~marlin/data/caltech101_silhouettes_28_split1.mat"
N_TRAIN = 4_100
SIZES = {"train": N_TRAIN, "val": 2_264, "test": 2_307}
SIDE = 28


class Silhouettes(Dataset):
    """Caltech 101 Silhouettes.

    Args:
        root: The data folder; None: the environment variable AEVB_DATA if it is set, otherwise ./data.
        n_train: Number of training images, taken from the start.
        download: Whether to download the file if it is missing.
        mirror: URL of a folder that is used instead of the public one.

    Raises:
        UserError: If an argument is not allowed.
    """

    name = "silhouettes"
    labelled = True
    shape = (SIDE, SIDE)
    convention = TargetConvention("binary", description="binary silhouettes, as published")

    def __init__(
        self,
        root: str | None = None,
        n_train: PositiveInt = N_TRAIN,
        download: bool = True,
        mirror: str | None = None,
    ) -> None:
        checks.between("n_train", n_train, 1, N_TRAIN, "the published training set")
        self.root, self.n_train, self.download, self.mirror = root, n_train, download, mirror

    def load(self) -> Splits:
        """Return the splits (see `Dataset.load`)."""
        (path,) = obtain_archives("data=silhouettes", [Archive((URL,), None)], self.root, self.download, self.mirror)
        shapes = {f"{part}_data": (count, SIDE * SIDE) for part, count in SIZES.items()}
        shapes |= {f"{part}_labels": (count, 1) for part, count in SIZES.items()}
        matrices = read_matrices(path, shapes)
        parts = []
        for part in SIZES:
            x = upright(matrices[f"{part}_data"])
            if not ((x == 0) | (x == 1)).all():
                raise UserError(f"{path}: {part}_data has other values than 0 and 1; try: delete it")
            parts.append(Split(x, matrices[f"{part}_labels"][:, 0].astype(np.int64)))
        train, valid, test = parts
        return Splits(train.first(self.n_train), valid, test)
