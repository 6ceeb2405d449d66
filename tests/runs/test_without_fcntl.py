"""Where there are no Unix locks, as on Windows: a finished run can be loaded, and training is refused in one line."""

import sys
from pathlib import Path

import pytest

import aevb
from aevb import runs
from aevb.errors import UserError
from aevb.runs.lock import lock
from aevb.runs.weights_archive import archived_files, write_archive
from helpers.short_runs import train


def test_a_finished_run_is_loaded_and_training_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train(tmp_path / "run", 300)
    monkeypatch.setitem(sys.modules, "fcntl", None)  # as if it were not there
    assert aevb.load(run).shape == (8, 8)
    write_archive(tmp_path / "w.zip", {"run": archived_files(run)})
    assert aevb.load(tmp_path / "w.zip").shape == (8, 8)
    assert runs.state(run) == "done"
    with pytest.raises(UserError, match="aevb trains on Linux and macOS"), lock(tmp_path / "other"):
        pass
    assert not (tmp_path / "other").exists()
