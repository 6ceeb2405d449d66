"""Omniglot and Caltech silhouettes: made MATLAB files of the published shapes, from a server on this machine."""

import io
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from aevb.data import omniglot, silhouettes
from aevb.data.omniglot import Omniglot
from aevb.data.silhouettes import Silhouettes
from aevb.errors import UserError
from helpers.local_mirror import LocalMirror

RANDOM = np.random.RandomState(0)


def mat(**matrices: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    savemat(buffer, matrices, do_compression=True)
    return buffer.getvalue()


@pytest.fixture
def omniglot_images(mirror: LocalMirror, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    monkeypatch.setattr(omniglot, "N_TRAIN", 30)
    monkeypatch.setattr(omniglot, "N_TEST", 7)
    images = RANDOM.rand(37, 28, 28)
    columns = images.transpose(0, 2, 1).reshape(37, -1).T  # each image column by column, as MATLAB stores it
    target = np.eye(50)[np.arange(37)].T
    raw = mat(data=columns[:, :30], testdata=columns[:, 30:], target=target[:, :30], testtarget=target[:, 30:])
    mirror.files["chardata.mat"] = raw, "whole"
    return images


def test_omniglot_is_upright_and_labelled(omniglot_images: np.ndarray, mirror: LocalMirror, tmp_path: Path) -> None:
    data = Omniglot(root=str(tmp_path), mirror=mirror.url, n_train=20)
    train, valid, test = data.load()
    assert [len(part.x) for part in (train, valid, test)] == [20, 0, 7]
    assert np.array_equal(train.x.reshape(-1, 28, 28), omniglot_images[:20].astype(np.float32))
    assert np.array_equal(test.x.reshape(-1, 28, 28), omniglot_images[30:].astype(np.float32))
    assert test.label.tolist() == list(range(30, 37))
    assert data.dynamic
    binary = Omniglot(root=str(tmp_path), targets="threshold", download=False, n_train=20).load()
    assert np.array_equal(binary.test.x, test.x >= 0.5)


@pytest.mark.usefixtures("omniglot_images")
def test_other_matrices_are_refused(mirror: LocalMirror, tmp_path: Path) -> None:
    path = tmp_path / "chardata.mat"
    whole = mirror.files["chardata.mat"][0]
    shapes = {"target": (50, 30), "testtarget": (50, 7), "testdata": (784, 7)}
    others = {name: np.zeros(shape) for name, shape in shapes.items()}
    for raw, words in (
        (whole[: len(whole) // 2], "altered or truncated"),
        (b"no matrix", "altered or truncated"),
        (mat(x=np.zeros((3, 3))), r"data missing, .*expected data \(784, 30\)"),
        (mat(data=np.zeros((784, 29)), **others), r"data \(784, 29\); expected data \(784, 30\)"),
        (mat(data=np.full((784, 30), 2.0), **others), "values from 2 to 2, expected 0 to 1"),
    ):
        path.write_bytes(raw)
        with pytest.raises(UserError, match=words) as caught:
            Omniglot(root=str(tmp_path), n_train=20).load()
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)


def test_silhouettes(mirror: LocalMirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silhouettes, "SIZES", {"train": 20, "val": 5, "test": 6})
    images = RANDOM.randint(0, 2, (31, 28, 28)).astype(np.uint8)
    rows = images.transpose(0, 2, 1).reshape(31, -1)
    label = np.arange(1, 32)[:, None]
    edges = {"train": slice(0, 20), "val": slice(20, 25), "test": slice(25, 31)}
    matrices = {f"{part}_data": rows[edge] for part, edge in edges.items()}
    matrices |= {f"{part}_labels": label[edge] for part, edge in edges.items()}
    mirror.files["caltech101_silhouettes_28_split1.mat"] = mat(**matrices), "whole"
    splits = Silhouettes(root=str(tmp_path), mirror=mirror.url).load()
    assert [len(part.x) for part in splits] == [20, 5, 6]
    assert np.array_equal(np.concatenate([part.x for part in splits]).reshape(-1, 28, 28), images)
    assert splits.valid.label.tolist() == list(range(21, 26))
    (tmp_path / "caltech101_silhouettes_28_split1.mat").write_bytes(mat(**{**matrices, "val_data": 2 * rows[20:25]}))
    with pytest.raises(UserError, match="val_data has other values than 0 and 1"):
        Silhouettes(root=str(tmp_path)).load()
