"""Frey Face: 1965 consecutive video frames of one face, 28 x 20 pixels, in the split of the paper.

The paper gives neither the scale nor the split. Both can be derived from Figure 2, where the wake-sleep
curves converge to the log-likelihood of a constant Gaussian decoder. The split is
`np.random.seed(0); np.random.shuffle(x)`, the first 1600 faces for training and the last 365 for testing.
With x = byte/256 the maximum-likelihood diagonal Gaussian has a log-likelihood of 578.62 (training) and
569.34 (test) nats, which agrees with the plateau of Figure 2 to 0.3 nats. With byte/255 it has 576.43 and
567.15 nats. The shuffle is necessary because consecutive frames are nearly equal.
"""

import io
from typing import Literal

import numpy as np

from aevb.data import checks
from aevb.data.binarisation import as_targets, convention
from aevb.data.dataset import Dataset, Split, Splits
from aevb.data.dequantisation import Dequantisation, check_dequantisation, dequantise, dequantised_convention
from aevb.data.verified_files import Published, Source, obtain
from aevb.types import PositiveInt

__all__ = ["FREY", "FreyFace"]

N_FACES, N_TRAIN, N_TEST = 1965, 1600, 365
DIM = 28 * 20


def _faces(raw: bytes) -> bytes:
    """Return the faces in the matrix `ff` (560 x 1965 bytes) of the MATLAB file, one after another."""
    from scipy.io import loadmat

    ff = loadmat(io.BytesIO(raw), variable_names=["ff"]).get("ff")
    if ff is None:
        raise ValueError("no matrix ff")
    if ff.dtype != np.uint8 or ff.shape != (DIM, N_FACES):
        raise ValueError(f"ff is {ff.dtype} {ff.shape}")
    return ff.T.tobytes()


FREY = Source(
    title="Frey Face",
    files=(
        Published(
            name="frey_rawface.mat",
            archive="frey_rawface.mat",
            algorithm="sha256",
            digest="2438ba4f0d2a6bd8bac43de756141eaa33c8d248dd613d464bdb1210d9b7af78",
            size=N_FACES * DIM,
            decode=_faces,
        ),
    ),
    mirrors=("https://cs.nyu.edu/~roweis/data/",),
    page="https://cs.nyu.edu/~roweis/data.html",
    folder=".",
    instead="data=digits, which needs no download",
)


class FreyFace(Dataset):
    """Frey Face with grey levels x = byte/scale, without a validation set and without labels.

    Args:
        root: The data folder; None: the environment variable AEVB_DATA if it is set, otherwise ./data.
        scale: The divisor of the bytes.
        n_train: Number of training faces, taken from the start of the 1600; the test set does not change.
        download: Whether to download the file if it is missing.
        mirror: URL of a folder that is used instead of the public one.
        dequantise: "uniform" adds noise to the bytes, divided by 256 (see aevb.data.dequantisation); None: none.

    Raises:
        UserError: If an argument is not allowed.
    """

    name = "frey_face"
    validation = False
    shape = (28, 20)

    def __init__(
        self,
        root: str | None = None,
        scale: Literal[255, 256] = 256,
        n_train: PositiveInt = N_TRAIN,
        download: bool = True,
        mirror: str | None = None,
        dequantise: Dequantisation | None = None,
    ) -> None:
        checks.one_of("scale", scale, (255, 256))
        checks.between("n_train", n_train, 1, N_TRAIN, "the other 365 of 1965 faces are the test set")
        self.root, self.scale, self.n_train = root, scale, n_train
        self.download, self.mirror, self.dequantise = download, mirror, dequantise
        if dequantise is not None:
            check_dequantisation(dequantise, "grey")
        self.convention = convention("grey", scale) if dequantise is None else dequantised_convention(256)

    def load(self) -> Splits:
        """Return the splits (see `Dataset.load`)."""
        (content,) = obtain(FREY, self.root, self.download, self.mirror)
        faces = np.frombuffer(content, np.uint8).reshape(N_FACES, DIM).copy()
        # the same order as np.random.seed(0); np.random.shuffle(x), without a change of the global generator
        np.random.RandomState(0).shuffle(faces)
        train, test = self._targets(faces[: self.n_train], "train"), self._targets(faces[-N_TEST:], "test")
        return Splits(_unlabelled(train), _unlabelled(train[:0]), _unlabelled(test))

    def _targets(self, faces: np.ndarray, split: str) -> np.ndarray:
        if self.dequantise is not None:
            return dequantise(faces, 256, split)
        return as_targets(faces, "grey", self.scale)


def _unlabelled(x: np.ndarray) -> Split:
    return Split(x, np.zeros(len(x), np.int64))
