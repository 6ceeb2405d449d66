"""Frey Face: 1965 consecutive video frames of one face, 28 x 20 pixels, and the split that gives the paper's numbers.

The paper names neither scaling nor split. A constant Gaussian decoder, to which its wake-sleep curves converge, says
both: with x = byte/256, `np.random.seed(0); np.random.shuffle(x)`, the first 1600 faces to train and the last 365 to
test, the maximum-likelihood diagonal Gaussian gives 578.62 / 569.34 nats, Figure 2's plateau to 0.3 nats; byte/255
gives 576.43 / 567.15. Neighbouring frames are nearly equal, so an unshuffled tail would be no test.
"""

import io
from typing import Literal

import numpy as np

from aevb.data import checks
from aevb.data.binarisation import as_targets, convention
from aevb.data.dataset import Dataset, Split, Splits
from aevb.data.verified_files import Published, Source, obtain
from aevb.types import PositiveInt

__all__ = ["FREY", "FreyFace"]

N_FACES, N_TRAIN, N_TEST = 1965, 1600, 365
DIM = 28 * 20


def _faces(raw: bytes) -> bytes:
    """The faces of the MATLAB file, `ff` of 560 x 1965 bytes, one after another."""
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
    """Frey Face, its grey levels byte/scale; no validation part, no labels.

    root: folder of the data; None: AEVB_DATA, else ./data. n_train: the first of the 1600 shuffled training faces;
    the test set stays. mirror: a folder on the web used instead of the public one.
    """

    name = "frey_face"
    shape = (28, 20)

    def __init__(
        self,
        root: str | None = None,
        scale: Literal[255, 256] = 256,
        n_train: PositiveInt = N_TRAIN,
        download: bool = True,
        mirror: str | None = None,
    ) -> None:
        checks.one_of("scale", scale, (255, 256))
        checks.between("n_train", n_train, 1, N_TRAIN, "the other 365 of 1965 faces are the test set")
        self.root, self.scale, self.n_train = root, scale, n_train
        self.download, self.mirror = download, mirror
        self.convention = convention("grey", scale)

    def load(self) -> Splits:
        (content,) = obtain(FREY, self.root, self.download, self.mirror)
        x = as_targets(np.frombuffer(content, np.uint8).reshape(N_FACES, DIM), "grey", self.scale)
        # the same rows as np.random.seed(0); np.random.shuffle(x), without touching the global generator
        np.random.RandomState(0).shuffle(x)
        train, test = x[: self.n_train], x[-N_TEST:]
        return Splits(_unlabelled(train), _unlabelled(x[:0]), _unlabelled(test))


def _unlabelled(x: np.ndarray) -> Split:
    return Split(x, np.zeros(len(x), np.int64))
