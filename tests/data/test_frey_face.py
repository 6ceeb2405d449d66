"""Real Frey Face: the split and scaling that give the paper's plateau, and files that are not it."""

import io
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from aevb.data.dataset import Splits
from aevb.data.frey_face import FreyFace
from aevb.errors import UserError
from helpers.local_mirror import LocalMirror


def constant_gaussian(splits: Splits) -> tuple[float, float]:
    """Mean log-likelihood of train and test under the maximum-likelihood diagonal Gaussian of train, nats."""
    x = splits.train.x.astype(np.float64)
    mean, variance = x.mean(0), x.var(0)
    train, test = (
        float((-0.5 * (np.log(2 * np.pi * variance) + (part.x - mean) ** 2 / variance)).sum(1).mean())
        for part in (splits.train, splits.test)
    )
    return train, test


@pytest.mark.parametrize(("scale", "nats"), [(256, (578.62, 569.34)), (255, (576.43, 567.15))])
def test_the_constant_gaussian_gives_the_papers_plateau(real: Path, scale: int, nats: tuple[float, float]) -> None:
    splits = FreyFace(root=str(real), scale=scale).load()  # type: ignore[arg-type]
    assert constant_gaussian(splits) == pytest.approx(nats, abs=0.005)


def test_the_split_is_the_seed_0_shuffle_of_the_frames(real: Path) -> None:
    data = FreyFace(root=str(real))
    splits = data.load()
    assert data.shape == (28, 20)
    assert [part.x.shape for part in splits] == [(1600, 560), (0, 560), (365, 560)]
    assert all(part.x.dtype == np.float32 and not part.label.any() for part in splits)
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002  (the authors' own two lines)
    x = loadmat(real / "frey_rawface.mat")["ff"].T / 256.0
    np.random.shuffle(x)  # noqa: NPY002
    np.random.set_state(state)  # noqa: NPY002
    assert np.array_equal(np.concatenate([splits.train.x, splits.test.x]), x.astype(np.float32))


def test_loading_leaves_the_global_generator_alone(real: Path) -> None:
    np.random.seed(7)  # noqa: NPY002
    before = repr(np.random.get_state())  # noqa: NPY002
    FreyFace(root=str(real)).load()
    assert repr(np.random.get_state()) == before  # noqa: NPY002


def test_fewer_faces_leave_the_test_set(real: Path) -> None:
    whole, small = (FreyFace(root=str(real), n_train=count).load() for count in (1600, 200))
    assert np.array_equal(small.train.x, whole.train.x[:200])
    assert np.array_equal(small.test.x, whole.test.x)
    with pytest.raises(UserError, match=r"data\.n_train=1700"):
        FreyFace(n_train=1700)


def other(real: Path, change: str) -> bytes:
    raw = (real / "frey_rawface.mat").read_bytes()
    ff = loadmat(io.BytesIO(raw))["ff"]
    if change == "truncated":
        return raw[: len(raw) // 2]
    if change == "flipped":
        return raw[:5000] + bytes([raw[5000] ^ 1]) + raw[5001:]
    if change == "pixel":
        ff[100, 100] ^= 1
    matrix = {"floats": {"ff": ff / 256.0}, "faces in rows": {"ff": ff.T}, "name": {"gg": ff}}.get(change, {"ff": ff})
    file = io.BytesIO()
    savemat(file, matrix, do_compression=True)
    return file.getvalue()


@pytest.mark.parametrize(
    ("change", "actual"),
    [
        ("truncated", "cannot be unpacked"),
        ("flipped", "cannot be unpacked"),
        ("pixel", "1,100,400 bytes with sha256"),
        ("floats", r"ff is float64 \(560, 1965\)"),
        ("faces in rows", r"ff is uint8 \(1965, 560\)"),
        ("name", "no matrix ff"),
    ],
)
def test_another_file_is_refused(real: Path, tmp_path: Path, change: str, actual: str) -> None:
    (tmp_path / "frey_rawface.mat").write_bytes(other(real, change))
    expected = "expected 1,100,400 bytes with sha256 2438b"
    with pytest.raises(UserError, match=rf"frey_rawface\.mat: altered or truncated: .*{actual}.*{expected}"):
        FreyFace(root=str(tmp_path)).load()


def test_the_same_faces_saved_anew_are_the_same_data(real: Path, tmp_path: Path) -> None:
    (tmp_path / "frey_rawface.mat").write_bytes(other(real, "none"))
    assert FreyFace(root=str(tmp_path)).hashes() == FreyFace(root=str(real)).hashes()


def test_the_real_file_travels_over_http(real: Path, tmp_path: Path, mirror: LocalMirror) -> None:
    mirror.files["frey_rawface.mat"] = (real / "frey_rawface.mat").read_bytes(), "whole"
    data = FreyFace(root=str(tmp_path), mirror=mirror.url)
    assert constant_gaussian(data.load())[1] == pytest.approx(569.34, abs=0.005)
    assert [path.name for path in tmp_path.iterdir()] == ["frey_rawface.mat"]
    data.load()
    assert mirror.asked == ["frey_rawface.mat"]
