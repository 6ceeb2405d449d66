"""Arrays that are not as large as they announce, or larger than the memory, are refused before they are unpacked."""

import io
import os
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from aevb.data import array_sizes
from aevb.data.array import ArrayDataset
from aevb.errors import UserError


def header(shape: tuple[int, ...]) -> bytes:
    """The header of an .npy file of uint8 of any shape, and no data."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return file.getvalue()


def refusal(path: Path) -> str:
    start = time.monotonic()
    with pytest.raises(UserError) as refused:
        ArrayDataset(str(path)).load()
    assert time.monotonic() - start < 20  # unpacking 10 GB takes longer
    assert str(refused.value).startswith(f"data.path={path}: ")
    return str(refused.value)


@pytest.mark.fault("a data file that is larger than the memory when it is unpacked", "refused before it is unpacked")
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_sizes, "memory_bytes", lambda: 1 << 30)
    path, count = tmp_path / "bomb.npz", 1 << 29
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w", force_zip64=True) as x:
        x.write(header((count, 1)))
        for _ in range(count >> 24):
            x.write(bytes(1 << 24))
    assert path.stat().st_size < 1 << 20
    assert "2.1 GB as float32; allowed: at most the 1.1 GB of memory" in refusal(path)


@pytest.mark.fault("a data file with an impossible shape in its header, or a sparse file", "refused before it is read")
@pytest.mark.parametrize("shape", [(10**12, 10**6), (3, 4), (10**30,), (-5, 2)])
def test_a_header_that_does_not_fit(shape: tuple[int, ...], tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(header(shape))
    assert "announces uint8" in refusal(tmp_path / "x.npy")
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", header(shape) + b"12345")
    assert "x: announces uint8" in refusal(tmp_path / "x.npz")


def test_a_sparse_file_is_not_read(tmp_path: Path) -> None:
    path, size = tmp_path / "x.npy", 1 << 42
    path.write_bytes(header((size, 1)))
    os.truncate(path, path.stat().st_size + size)
    assert "GB of memory of this machine" in refusal(path)


@pytest.mark.fault(
    "data.path is a named pipe, a folder or a device", "refused with one line; the command never waits for it"
)
def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npy")
    assert "a named pipe" in refusal(tmp_path / "pipe.npy")
    (tmp_path / "link.npy").symlink_to(tmp_path / "pipe.npy")
    assert "a named pipe" in refusal(tmp_path / "link.npy")
    (tmp_path / "folder").mkdir()
    assert "a folder without images" in refusal(tmp_path / "folder")


@pytest.mark.fault("a sparse table as data.path", "refused before it is loaded into memory")
def test_a_sparse_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("1,2\n" * 2000)
    os.truncate(path, 1 << 30)
    assert "text with zero bytes" in refusal(path)
    os.truncate(path, 1 << 40)
    assert "a table of 1,099,511,627,776 bytes" in refusal(path)


def test_tensors_that_are_larger_than_their_file(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    torch.save(torch.sparse_coo_tensor([[0], [0]], [1.0], (10**7, 10**7), check_invariants=True), path)
    refusal(path)
    torch.save(torch.zeros(1).expand(10**7, 10**7), path)
    assert "GB of memory of this machine" in refusal(path)


def test_whole_files_pass(tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((20, 6)).astype(np.float32)
    for name, save in (("x.npz", np.savez), ("y.npz", np.savez_compressed)):
        save(tmp_path / name, x=x, label=np.arange(20))
    np.save(tmp_path / "x.npy", np.asfortranarray(x))
    for name in ("x.npz", "y.npz", "x.npy"):
        assert ArrayDataset(str(tmp_path / name)).load().train.x.shape == (18, 6)
