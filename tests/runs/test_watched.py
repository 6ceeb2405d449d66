"""Rows that are looked at again and again: those of `row`, read only where something has changed."""

import fcntl
from pathlib import Path

import pytest

from aevb import runs
from aevb.runs import watched
from aevb.runs.progress import Progress, write_progress
from aevb.runs.status import row
from aevb.runs.watched import WatchedFolders, WatchedRows
from helpers.commands import settings


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the runs that were read."""
    names: list[str] = []

    def counted(directory: Path, *rest):
        names.append(directory.name)
        return row(directory, *rest)

    monkeypatch.setattr(watched, "row", counted)
    return names


def made(directory: Path) -> Path:
    runs.prepare(directory, settings("data=digits", "max_samples=2000"))
    return directory


def test_every_change_is_seen_and_nothing_else_read(tmp_path: Path, read: list[str]) -> None:
    rows, run = WatchedRows(), tmp_path / "run"

    def look(times: int = 1) -> tuple[str, int]:
        item = rows.row(run, 2000)
        assert item == row(run, 2000)
        assert len(read) == times
        read.clear()
        return item.state, item.samples_seen

    assert look() == ("missing", 0)
    assert look(0) == ("missing", 0)
    made(run)
    assert look() == ("partial", 0)
    assert look(0) == ("partial", 0)
    with (run / "LOCK").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert look() == ("running", 0)
        write_progress(run, Progress(500, 100))
        assert look() == ("running", 500)
    assert look() == ("partial", 100)  # the process died, and no file has changed
    assert look(0) == ("partial", 100)
    runs.mark_failed(run, "Traceback\nValueError: wrong")
    assert look() == ("failed", 100)
    assert look(0) == ("failed", 100)
    runs.mark_done(run, {"samples_seen": 2000})
    assert look() == ("done", 2000)
    assert look(0) == ("done", 2000)
    (run / "DONE").unlink()  # it is extended
    assert look()[0] == "partial"


def test_a_folder_is_searched_for_new_runs_now_and_then(tmp_path: Path) -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 1.0  # a look at the clock takes a second, so does a walk
        return now[0]

    look = WatchedFolders([tmp_path], clock)
    assert look() == []
    made(tmp_path / "a")
    assert look() == []  # not before ten times the duration of a walk
    now[0] += 10
    assert [item.state for item in look()] == ["partial"]


def test_a_finished_run_keeps_its_bound(tmp_path: Path) -> None:
    run = made(tmp_path / "run")
    (run / "metrics.csv").write_text("samples_seen,train_bound\n100,-9.5\n2000,-1.25\n")
    runs.mark_done(run, {"samples_seen": 2000})
    assert WatchedRows().row(run).train_bound == -1.25
    (run / "metrics.csv").write_text("damaged")
    assert WatchedRows().row(run) == row(run)


def test_folders_are_listed_in_natural_order(tmp_path: Path) -> None:
    names = ["z2-s0", "z2-s1", "z2-s10", "z10-s0", "z20-s0"]
    for name in sorted(names):
        made(tmp_path / name)
    assert [Path(item.run).name for item in WatchedFolders([tmp_path])()] == names


def test_a_run_of_two_folders_is_one_row(tmp_path: Path) -> None:
    run = made(tmp_path / "runs" / "run")
    assert [item.run for item in WatchedFolders([tmp_path, tmp_path / "runs"])()] == [str(run)]
