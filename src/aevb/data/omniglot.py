"""Omniglot (Lake et al. 2013) as Burda, Grosse & Salakhutdinov (2016) prepared it: 28 x 28 pixels.

24,345 training and 8,070 test images, as in the table of the IWAE paper, and no validation set. The file stores each
image column by column, in [0, 1]. Nobody published a hash of it: its shapes and its range are checked, and the sha256
of what was read is in the data.json of every run.
"""

from typing import Literal

import numpy as np

from aevb.data import checks
from aevb.data.archives import Archive, obtain_archives
from aevb.data.dataset import Dataset, Split, Splits
from aevb.data.mat_arrays import read_matrices
from aevb.data.target_convention import TargetConvention
from aevb.errors import UserError
from aevb.types import PositiveInt

__all__ = ["Omniglot", "upright"]

URL = "https://raw.githubusercontent.com/yburda/iwae/master/datasets/OMNIGLOT/chardata.mat"
N_TRAIN, N_TEST, SIDE = 24_345, 8_070, 28


class Omniglot(Dataset):
    """Omniglot; the labels are the alphabets.

    Args:
        root: The data folder; None: the environment variable AEVB_DATA if it is set, otherwise ./data.
        targets: "dynamic" as in the IWAE paper, "grey" or "threshold" (see aevb.data.binarisation).
        n_train: Number of training images, taken from the start.
        download: Whether to download the file if it is missing.
        mirror: URL of a folder that is used instead of the public one.

    Raises:
        UserError: If an argument is not allowed.
    """

    name = "omniglot"
    labelled = True
    validation = False
    shape = (SIDE, SIDE)

    def __init__(
        self,
        root: str | None = None,
        targets: Literal["dynamic", "grey", "threshold"] = "dynamic",
        n_train: PositiveInt = N_TRAIN,
        download: bool = True,
        mirror: str | None = None,
    ) -> None:
        checks.one_of("targets", targets, ("dynamic", "grey", "threshold"))
        checks.between("n_train", n_train, 1, N_TRAIN, "the published training set")
        self.root, self.targets, self.n_train, self.download, self.mirror = root, targets, n_train, download, mirror
        binary = TargetConvention("binary", description="binarised at 1/2")
        self.convention = binary if targets == "threshold" else TargetConvention(targets, 1)

    def load(self) -> Splits:
        """Return the splits (see `Dataset.load`)."""
        (path,) = obtain_archives("data=omniglot", [Archive((URL,), None)], self.root, self.download, self.mirror)
        dim = SIDE * SIDE
        shapes = {
            "data": (dim, N_TRAIN),
            "testdata": (dim, N_TEST),
            "target": (50, N_TRAIN),
            "testtarget": (50, N_TEST),
        }
        matrices = read_matrices(path, shapes)
        parts = []
        for images, target in (("data", "target"), ("testdata", "testtarget")):
            x = upright(matrices[images].T)
            if not (x.min() >= 0 and x.max() <= 1):
                raise UserError(f"{path}: values from {x.min():g} to {x.max():g}, expected 0 to 1; try: delete it")
            if self.targets == "threshold":
                x = (x >= 0.5).astype(np.float32)
            parts.append(Split(x, matrices[target].argmax(0).astype(np.int64)))
        train, test = parts
        return Splits(train.first(self.n_train), train.first(0), test)


def upright(images: np.ndarray) -> np.ndarray:
    """Return images that were stored column by column in the order of their rows.

    Args:
        images: (N, D), of square images.

    Returns:
        The same images, (N, D) float32.
    """
    side = round(images.shape[1] ** 0.5)
    rows = images.reshape(-1, side, side).transpose(0, 2, 1).reshape(len(images), -1)
    return np.ascontiguousarray(rows, np.float32)
