"""Files of data and weights against made-up input: they are read, or refused in one line."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from aevb.data.local_files import unpack
from aevb.data.own_files import read_own
from aevb.data.verified_files import Damaged, Published
from aevb.files.archive import is_intact, open_bounded
from helpers.fuzzing import CHANGES, CUT, changed, fuzz, outcome

pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def archives() -> dict[str, bytes]:
    made = {}
    for name, save in (("weights.pt", torch.save), ("stored.npz", None), ("packed.npz", None)):
        file = io.BytesIO()
        if save is not None:
            save({"x": torch.zeros(4, 3)}, file)
        else:
            (np.savez if name == "stored.npz" else np.savez_compressed)(file, x=np.zeros((40, 3), np.float32))
        made[name] = file.getvalue()
    return made


def own_data() -> dict[str, bytes]:
    array, picture = io.BytesIO(), io.BytesIO()
    np.save(array, np.arange(60, dtype=np.float32).reshape(20, 3))
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(picture, "PNG")
    table = "a,b,label\n" + "1,2.5,0\n" * 10
    return {**archives(), "x.npy": array.getvalue(), "x.csv": table.encode(), "a/1.png": picture.getvalue()}


@pytest.mark.parametrize("name", own_data())
@pytest.mark.fault("your own data file (data.path), changed in any way", "read, or refused with one line")
def test_data_files(name: str, folder: Path) -> None:
    raw, path = own_data()[name], folder / "data" / name
    path.parent.mkdir(parents=True, exist_ok=True)

    @fuzz(150)
    @given(CHANGES, CUT)
    def other_bytes(changes: list[tuple[float, int]], cut: float) -> None:
        path.write_bytes(changed(raw, changes, cut))
        outcome(lambda: read_own(path.parent if name.endswith(".png") else path))

    @fuzz(80)
    @given(st.binary(max_size=60), st.sampled_from([b"", raw[:2], raw[:6], raw[:60]]))
    def any_bytes(rest: bytes, start: bytes) -> None:
        path.write_bytes(start + rest)
        outcome(lambda: read_own(path.parent if name.endswith(".png") else path))

    other_bytes()
    any_bytes()


@fuzz(200)
@given(st.sampled_from(sorted(archives())), CHANGES, CUT)
@pytest.mark.fault(
    "an archive (model.pt, a checkpoint) is changed in any way",
    "reported as damaged; no exception of a library is shown",
)
def test_archives(folder: Path, name: str, changes: list[tuple[float, int]], cut: float) -> None:
    path = folder / name
    path.write_bytes(changed(archives()[name], changes, cut))
    assert is_intact(path) in (True, False)
    outcome(lambda: open_bounded(path).close())


@fuzz(200)
@given(st.binary(max_size=80), st.booleans())
def test_published_files(raw: bytes, is_packed: bool) -> None:
    published = Published("name", "name.gz", "md5", "0" * 32, 10)
    with pytest.raises(Damaged):
        published.content((b"\x1f\x8b" if is_packed else b"") + raw)
    assert unpack(b"ab") == b"ab"


def test_a_zip_archive_of_nothing(folder: Path) -> None:
    with zipfile.ZipFile(folder / "empty.npz", "w"):
        pass
    assert "holds nothing" in outcome(lambda: read_own(folder / "empty.npz"))
