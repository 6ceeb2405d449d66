"""Where files are looked for, how they are unpacked and how they are put in place."""

import gzip
import os
from pathlib import Path

import pytest

from aevb.data import local_files as files
from aevb.errors import UserError


def test_the_root_is_the_key_then_the_environment_then_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AEVB_DATA", "/from/environment")
    assert files.root("/given") == (Path("/given"), "data.root=/given")
    assert files.root(None) == (Path("/from/environment"), "AEVB_DATA=/from/environment")
    monkeypatch.delenv("AEVB_DATA")
    assert files.root(None).path == Path("data")


def test_the_home_folder_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert files.root("~/data").path == Path("/home/someone/data")


@pytest.mark.parametrize("name", ["a.mat", "a.mat.gz", "MNIST/raw/a.mat", "MNIST/raw/a.mat.gz"])
def test_a_file_is_read_packed_or_not_in_both_layouts(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    assert files.find(tmp_path, "a.mat") == path
    assert files.find(tmp_path, "b.mat") is None


def test_a_folder_of_the_name_is_not_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.mat").mkdir()
    assert files.find(tmp_path, "a.mat") is None


def test_unpacking_goes_by_content() -> None:
    assert files.unpack(b"plain") == b"plain"
    assert files.unpack(gzip.compress(b"packed")) == b"packed"
    assert files.unpack(gzip.compress(b"two ") + gzip.compress(b"members")) == b"two members"


def test_a_decompression_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LIMIT", 1000)
    assert files.unpack(gzip.compress(bytes(1000))) == bytes(1000)
    with pytest.raises(ValueError, match=r"more than 1,000 bytes"):
        files.unpack(gzip.compress(bytes(1001)))


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"an absent file: cannot be read .*; try: chmod u\+r '.*/an absent file'$"):
        files.read(tmp_path / "an absent file")


def test_a_stored_file_is_whole_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.mat"
    files.store(path, b"first")
    files.store(path, b"second")
    assert path.read_bytes() == b"second"
    assert os.listdir(path.parent) == ["a.mat"]
    umask = os.umask(0o022)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask  # a shared folder stays readable to the others


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("fault", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_interrupted_store_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, fault: BaseException
) -> None:
    def interrupted(*args: object) -> None:
        raise fault

    monkeypatch.setattr(os, step, interrupted)
    with pytest.raises((KeyboardInterrupt, UserError)) as caught:
        files.store(tmp_path / "a.mat", b"bytes")
    assert os.listdir(tmp_path) == []
    if caught.type is UserError:
        assert "No space left" in str(caught.value)


def test_a_root_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match=r"cannot be written .*data\.root=DIR"):
        files.store(tmp_path / "file" / "a.mat", b"bytes")
