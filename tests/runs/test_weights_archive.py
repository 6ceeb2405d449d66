"""Archives of weights: the same bits again, what `aevb.load` makes of them, and what is refused of an archive from anyone."""

import gc
import json
import os
import shutil
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest

import aevb
from aevb.cli import weights, weights_training
from aevb.errors import UserError
from aevb.runs.run_reference import split_reference, unpacked_run
from aevb.runs.weights_archive import archived_files, open_archive, unpack, write_archive
from helpers.in_process import run_command
from helpers.short_runs import train

RECORDS = {"config.yaml": b"x", "DONE": b"{}", "model.pt": b"weights"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("runs") / "a", 300)


@pytest.fixture(scope="module")
def archive(run: Path) -> Path:
    path = run.parent / "weights.zip"
    write_archive(path, {"a": archived_files(run)})
    return path


def _planted(path: Path, changes: dict[str, bytes], mode: int = stat.S_IFREG, **arguments: int) -> Path:
    """An archive of one made run, with members added or replaced behind the back of its index."""
    folder = path.parent / "run"
    folder.mkdir()
    for name, content in RECORDS.items():
        (folder / name).write_bytes(content)
    whole = path.parent / "whole.zip"
    write_archive(whole, {"r": archived_files(folder)})
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w", **arguments) as target:
        members = {member.filename: source.read(member) for member in source.infolist()} | changes
        for name, content in members.items():
            member = zipfile.ZipInfo(name)
            member.create_system, member.external_attr = 3, (mode if name in changes else stat.S_IFREG) << 16
            member.compress_type = target.compression
            target.writestr(member, content)
    return path


def test_an_archived_run_is_loaded_as_the_run_is(run: Path, archive: Path) -> None:
    loaded = aevb.load(f"{archive}:a")
    z = np.linspace(-2, 2, 10, dtype=np.float32).reshape(5, 2)
    np.testing.assert_array_equal(loaded.decode(z), aevb.load(run).decode(z))
    assert loaded.record.done["samples_seen"] == 300
    folder = loaded.directory
    assert folder.is_dir()
    del loaded
    gc.collect()
    assert not folder.exists()


def test_an_equal_run_makes_an_equal_archive(run: Path, archive: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "a"))
    os.utime(copy / "model.pt", (0, 0))
    digest = write_archive(tmp_path / "weights.zip", {"a": archived_files(copy)})
    assert (tmp_path / "weights.zip").read_bytes() == archive.read_bytes()
    assert (tmp_path / "weights.zip.sha256").read_text() == f"{digest}  weights.zip\n"


def test_unpacking_makes_the_run_directory_again(run: Path, archive: Path, tmp_path: Path) -> None:
    (packed,) = open_archive(archive)
    directory = unpack(archive, packed, tmp_path)
    assert (directory / "model.pt").read_bytes() == (run / "model.pt").read_bytes()
    assert aevb.load(directory).record.fingerprint == aevb.load(run).record.fingerprint
    assert not (directory / "checkpoints").exists()
    with pytest.raises(UserError, match="exists"):
        unpack(archive, packed, tmp_path)


def test_the_place_of_the_data_is_not_published(run: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "a"))
    hashes = json.loads((copy / "data.json").read_text())
    (copy / "data.json").write_text(json.dumps(hashes | {"location": {"root": "/home/someone"}}))
    write_archive(tmp_path / "w.zip", {"a": archived_files(copy)})
    assert b"/home/someone" not in (tmp_path / "w.zip").read_bytes()


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("../evil", stat.S_IFREG),
        ("/etc/evil", stat.S_IFREG),
        ("r/../../model.pt", stat.S_IFREG),
        ("../model.pt", stat.S_IFREG),
        ("..\\model.pt", stat.S_IFREG),
        ("r/evaluation/../../x.json", stat.S_IFREG),
        ("r/checkpoints/last.ckpt", stat.S_IFREG),
        ("r/model.pt", stat.S_IFLNK),
        ("r/evaluation/", stat.S_IFDIR),
    ],
)
def test_other_files_than_those_of_runs_are_refused(name: str, mode: int, tmp_path: Path) -> None:
    path = _planted(tmp_path / "w.zip", {name: b"/etc/passwd"}, mode)
    with pytest.raises(UserError, match="refused; allowed: regular files of run directories"):
        open_archive(path)


def test_an_archive_that_unpacks_to_more_is_refused(tmp_path: Path) -> None:
    path = _planted(tmp_path / "w.zip", {"r/model.pt": bytes(1 << 20)}, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(UserError, match="compressed or damaged"):
        open_archive(path)


def test_a_record_is_bounded(tmp_path: Path) -> None:
    path = _planted(tmp_path / "w.zip", {"r/metrics.csv": bytes(17 << 20)})
    with pytest.raises(UserError, match="17,825,792 bytes; allowed: 16,777,216"):
        open_archive(path)


def test_other_weights_than_those_packed_are_refused(tmp_path: Path) -> None:
    path = _planted(tmp_path / "w.zip", {"r/model.pt": b"another"})
    with pytest.raises(UserError, match=r"r/model.pt: not the file that was packed \(sha256\)"):
        unpack(path, open_archive(path)[0], tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"{", b'{"format": 1, "runs": {"r": {}}}', b"[" * 100_000])
def test_a_damaged_index_is_one_line(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        open_archive(_planted(tmp_path / "w.zip", {"weights.json": content}))
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w.zip").write_bytes(b"PK not a zip")
    for name in ("w.zip", "absent.zip"):
        with pytest.raises(UserError, match=r"damaged|no such archive"):
            aevb.load(f"{tmp_path / name}:a")


def test_a_folder_in_the_place_of_an_archive_is_not_to_be_removed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"^{tmp_path}: a folder; allowed: an archive .*; try: aevb-weights pack "):
        open_archive(tmp_path)


def test_a_reference_names_the_archive_and_the_run(archive: Path, tmp_path: Path) -> None:
    assert split_reference("w.zip:a") == (Path("w.zip"), "a")
    assert split_reference("w.zip") == (Path("w.zip"), "")
    assert split_reference(tmp_path) == (tmp_path, None)
    with pytest.raises(UserError, match="no such run; allowed: a; try"):
        unpacked_run(f"{archive}:b", tmp_path)
    assert aevb.load(archive).directory.name == "a"  # the only one


def test_of_several_runs_one_must_be_named(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "w.zip"
    write_archive(path, {"a": archived_files(run), "b": archived_files(run)})
    for reference in (path, f"{path}:"):
        with pytest.raises(UserError) as error:
            aevb.load(reference)
        assert str(error.value) == f"{path}: an archive of 2 runs, and none is named; allowed: a, b; try: {path}:a"
    assert aevb.load(str(error.value).rpartition("; try: ")[2]).name == "a"


def test_weights_are_trained_again_from_the_records(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    records = tmp_path / "results" / "a"
    shutil.copytree(run, records, ignore=shutil.ignore_patterns("model.pt", "checkpoints", "manifest.json"))
    trained = []

    def in_this_process(queue):
        for index, queued in enumerate(queue):
            trained.append(_train_here(queued.directory))
            yield index, 0

    monkeypatch.setattr(weights_training, "train_in_parallel", in_this_process)
    monkeypatch.chdir(tmp_path)
    assert _command(monkeypatch, "pack", "results") == 2
    assert "results/a: no model.pt; allowed: runs with their weights; try: --train" in capsys.readouterr().err
    assert _command(monkeypatch, "pack", "results", "--train") == 0
    assert "rows, equal to those of results/a bit by bit" in capsys.readouterr().out
    first = (tmp_path / "outputs/weights.zip").read_bytes()
    assert _command(monkeypatch, "pack", "results", "--train") == 0  # not trained again
    assert len(trained) == 1
    assert (tmp_path / "outputs/weights.zip").read_bytes() == first
    assert _command(monkeypatch, "list", "outputs/weights.zip") == 0
    assert _command(monkeypatch, "unpack", "outputs/weights.zip", "--output", "again") == 0
    assert (tmp_path / "again/a/model.pt").read_bytes() == (run / "model.pt").read_bytes()
    (records / "metrics.csv").write_text((records / "metrics.csv").read_text().replace("\n300,-", "\n300,-9", 1))
    capsys.readouterr()
    assert _command(monkeypatch, "pack", "results", "--train") == 0
    assert "rows differ from results/a, first at 300 samples; packed with its own rows" in capsys.readouterr().out
    (tmp_path / "outputs/weights.zip.sha256").write_text("0  weights.zip\n")
    assert _command(monkeypatch, "list", "outputs/weights.zip") == 2


def _train_here(directory: Path) -> Path:
    from aevb.training import train_run

    train_run.run(directory)
    return directory


def _command(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["aevb-weights", *words])
    with pytest.raises(SystemExit) as end:
        weights.weights()
    assert isinstance(end.value.code, int)
    return end.value.code


def test_a_folder_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command("weights", ["pack", "nowhere"], monkeypatch) == 2
    assert capsys.readouterr().err.startswith(
        "aevb-weights: nowhere: no such folder; allowed: a folder with runs; try: "
    )
    assert list(tmp_path.iterdir()) == []


def test_the_name_of_a_run_cannot_control_the_terminal(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """U+009B begins an escape sequence in one character."""
    write_archive(tmp_path / "weights.zip", {"a\x9b31m": archived_files(run)})
    assert run_command("weights", ["list", str(tmp_path / "weights.zip")], monkeypatch) == 0
    assert capsys.readouterr().out.startswith(r"a\x9b31m  DONE, ")
