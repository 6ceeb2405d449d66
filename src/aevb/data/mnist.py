"""MNIST (LeCun, Bottou, Bengio & Haffner 1998) in the split of the paper.

There are 50,000 training, 10,000 validation and 10,000 test images of 28 x 28 pixels. The validation set
is the last 10,000 images of the published training file, as in the authors' mnist.pkl.gz.

The kinds of targets are described in aevb.data.binarisation. The targets "fixed" are the binary images of
Salakhutdinov & Murray (2008) as published by Larochelle; they have no labels.
"""

from typing import Literal

import numpy as np

from aevb.data import checks
from aevb.data.binarisation import as_targets, convention
from aevb.data.dataset import Dataset, Split, Splits
from aevb.data.dequantisation import Dequantisation, check_dequantisation, dequantise, dequantised_convention
from aevb.data.verified_files import Published, Source, obtain
from aevb.errors import UserError
from aevb.types import PositiveInt

__all__ = ["BINARIZED", "IDX", "MNIST"]

N_TRAIN = 50_000
DIM = 28 * 28


def _idx(name: str, md5: str, size: int) -> Published:
    return Published(name, f"{name}.gz", "md5", md5, size)


def _amat(part: str, sha256: str, size: int) -> Published:
    return Published(f"binarized_mnist_{part}.amat", f"binarized_mnist_{part}.amat", "sha256", sha256, size)


IDX = Source(
    title="MNIST",
    files=(
        _idx("train-images-idx3-ubyte", "6bbc9ace898e44ae57da46a324031adb", 47_040_016),
        _idx("train-labels-idx1-ubyte", "a25bea736e30d166cdddb491f175f624", 60_008),
        _idx("t10k-images-idx3-ubyte", "2646ac647ad5339dbf082846283269ea", 7_840_016),
        _idx("t10k-labels-idx1-ubyte", "27ae3e4e09519cfbb04c329615203637", 10_008),
    ),
    mirrors=("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"),
    page="https://ossci-datasets.s3.amazonaws.com/mnist/ and http://yann.lecun.com/exdb/mnist/",
    folder="MNIST/raw",
    instead="data=digits, which needs no download",
)

# The hashes are those that TensorFlow Datasets publishes for these files (url_checksums/binarized_mnist.txt). They make the
# download over plain http safe.
BINARIZED = Source(
    title="data.targets=fixed",
    files=(
        _amat("train", "ad693b29f94c14277b095f5238ddefbbdaaae0939789dd2f4f0205278cee3e4d", 78_400_000),
        _amat("valid", "1de3d397c40fe8eeb33dafd4099a1f665ec01e96d9be234aaeeac8a34930e2e2", 15_680_000),
        _amat("test", "e6687bfea3f820c174f33b7865140b2a2dd2930ef786f35d45795fc193b5ab2c", 15_680_000),
    ),
    mirrors=("http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist/",),
    page="http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist/",
    folder="MNIST/raw",
    instead="data.targets=dynamic or data.targets=threshold, made from MNIST itself",
)


class MNIST(Dataset):
    """MNIST with grey levels x = byte/scale.

    Args:
        root: The data folder; None: the environment variable AEVB_DATA if it is set, otherwise ./data.
        targets: The kind of the targets (see the module).
        scale: The divisor of the bytes.
        n_train: Number of training images, taken from the start of the 50,000. The images are not ordered
            by class, and the first 1000 are the same for every larger number (appendix E).
        download: Whether to download missing files.
        mirror: URL of a folder that is used instead of the public ones.
        dequantise: "uniform" adds noise to the bytes, divided by 256 (see aevb.data.dequantisation); None: none.

    Raises:
        UserError: If an argument is not allowed.
    """

    name = "mnist"
    labelled = True
    shape = (28, 28)

    def __init__(
        self,
        root: str | None = None,
        targets: Literal["grey", "dynamic", "threshold", "fixed"] = "grey",
        scale: Literal[255, 256] = 255,
        n_train: PositiveInt = N_TRAIN,
        download: bool = True,
        mirror: str | None = None,
        dequantise: Dequantisation | None = None,
    ) -> None:
        checks.one_of("targets", targets, ("grey", "dynamic", "threshold", "fixed"))
        checks.one_of("scale", scale, (255, 256))
        checks.between("n_train", n_train, 1, N_TRAIN, "the paper's training set")
        if targets == "fixed" and scale != 255:
            raise UserError(
                f"data.scale={scale}: data.targets=fixed has no grey levels to scale; allowed: 255; try: no data.scale"
            )
        self.root, self.targets, self.scale, self.n_train = root, targets, scale, n_train
        self.download, self.mirror, self.dequantise = download, mirror, dequantise
        if dequantise is not None:
            check_dequantisation(dequantise, targets)
        self.labelled = targets != "fixed"
        self.convention = convention(targets, scale) if dequantise is None else dequantised_convention(256)

    def load(self) -> Splits:
        """Return the splits (see `Dataset.load`)."""
        splits = self._fixed() if self.targets == "fixed" else self._scaled()
        return splits._replace(train=splits.train.first(self.n_train))

    def _scaled(self) -> Splits:
        contents = obtain(IDX, self.root, self.download, self.mirror)
        # an idx file has a header (16 bytes for images, 8 for labels), followed by the values row by row
        byte, test_byte = (np.frombuffer(content, np.uint8, offset=16).reshape(-1, DIM) for content in contents[::2])
        label, test_label = (np.frombuffer(content, np.uint8, offset=8).astype(np.int64) for content in contents[1::2])
        x, test_x = self._targets(byte, "train"), self._targets(test_byte, "test")
        return Splits(
            train=Split(x[:N_TRAIN], label[:N_TRAIN]),
            valid=Split(x[N_TRAIN:], label[N_TRAIN:]),
            test=Split(test_x, test_label),
        )

    def _targets(self, levels: np.ndarray, split: str) -> np.ndarray:
        if self.dequantise is not None:
            return dequantise(levels, 256, split)
        return as_targets(levels, self.targets, self.scale)

    def _fixed(self) -> Splits:
        contents = obtain(BINARIZED, self.root, self.download, self.mirror)
        return Splits(*(_split(content) for content in contents))


def _split(content: bytes) -> Split:
    # one image per line, "0 1 ... 0\n": every second byte is a pixel
    x = (np.frombuffer(content, np.uint8).reshape(-1, 2 * DIM)[:, ::2] == ord("1")).astype(np.float32)
    return Split(x, np.zeros(len(x), np.int64))
