"""Outputs replace earlier outputs of the same kind, and no file of another."""

import os
from pathlib import Path

import pytest

from aevb.errors import UserError
from aevb.files.replaceable import ARCHIVE, PAGE, check_replaceable
from helpers.in_process import run_command


@pytest.mark.parametrize("signature", [PAGE, ARCHIVE])
def test_a_new_file_and_an_earlier_output_are_replaced(signature: tuple[bytes, ...], tmp_path: Path) -> None:
    check_replaceable(tmp_path / "new", "--output", signature)
    for content in (b"", b"".join(signature) + b"and more"):
        (tmp_path / "old").write_bytes(content)
        check_replaceable(tmp_path / "old", "--output", signature)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    check_replaceable(tmp_path / "link", "--output", signature)


@pytest.mark.fault("`--output` names a named pipe, a device or a folder", "refused with one line; it stays what it is")
@pytest.mark.parametrize("signature", [PAGE, ARCHIVE])
def test_special_files_and_links_to_them_are_kept(signature: tuple[bytes, ...], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/null")
    (tmp_path / "folder").mkdir()
    for name, what in (("pipe", "a named pipe"), ("link", "a device"), ("folder", "a folder")):
        with pytest.raises(UserError, match=f"--output .*{name}: {what}; allowed: "):
            check_replaceable(tmp_path / name, "--output", signature)


@pytest.mark.fault("`--output` names a file that aevb did not write", "refused with one line; the file is kept")
@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("report", ["outputs/runs", "--output", "notes.html"]),
        ("explore", ["{run}", "--output", "notes.html"]),
        ("weights", ["pack", "{run}", "--output", "notes.html"]),
    ],
)
def test_a_file_of_somebody_is_kept(
    command: str,
    words: list[str],
    undisturbed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outputs" / "runs").mkdir(parents=True)
    (tmp_path / "notes.html").write_text("<!DOCTYPE html>\n<p>mine\n")
    assert run_command(command, [word.format(run=undisturbed) for word in words], monkeypatch) == 2
    assert "notes.html: a file that aevb did not write; allowed: " in capsys.readouterr().err
    assert (tmp_path / "notes.html").read_text() == "<!DOCTYPE html>\n<p>mine\n"


def test_other_bytes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04 of another program")
    with pytest.raises(UserError, match=r"--output .*x\.zip: a file that aevb did not write"):
        check_replaceable(tmp_path / "x.zip", "--output", ARCHIVE)
