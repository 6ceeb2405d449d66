"""`--trust` for commands that build a run again: the module may lie in the working directory, and must exist."""

import json
import sys
from pathlib import Path

import pytest

from aevb import runs
from aevb.cli.flags import check_trusted
from aevb.errors import UserError
from aevb.runs import layout
from helpers.commands import TINY, settings
from helpers.in_process import run_command

SOURCE = "from aevb.data.digits import Digits\n\n\nclass Mine(Digits):\n    pass\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a module, and a run that was trained on data of a class in it, which have changed since."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])  # to which the command adds the working directory
    (tmp_path / "data_of_mine.py").write_text(SOURCE)
    run = tmp_path / "runs" / "a"
    config = settings(*TINY)
    config["data"]["_target_"] = "data_of_mine.Mine"
    runs.prepare(run, config)
    (run / layout.METRICS).write_text("samples_seen,train_bound\n300,-40.0\n")
    (run / layout.DATA).write_text(json.dumps({"train": "0", "valid": "0", "test": "0"}))
    (run / layout.DONE).write_text(json.dumps({"samples_seen": 300}))
    return tmp_path


@pytest.mark.parametrize("words", [["verify", "runs/a"], ["weights", "pack", "runs", "--train"]])
def test_a_module_in_the_working_directory_is_imported(
    words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command, *rest = words
    assert run_command(command, [*rest, "--trust", "data_of_mine"], monkeypatch) == 2
    assert "not the data that runs/a began with (changed: train, valid, test)" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["verify", "runs/a"], ["weights", "pack", "runs", "--train"]])
def test_a_module_that_does_not_exist_is_named(
    words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command, *rest = words
    assert run_command(command, [*rest, "--trust", "no_such_module"], monkeypatch) == 2
    assert f"aevb-{command}: --trust no_such_module: no such module; allowed: " in capsys.readouterr().err


def test_the_program_itself_is_no_module() -> None:
    """`__main__` is what a script or a notebook is called in its own process only."""
    with pytest.raises(UserError, match="--trust __main__: no such module; allowed: "):
        check_trusted(["__main__"])
