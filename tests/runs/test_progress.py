"""progress.json: what it says comes back, and one that is damaged or no regular file counts as none."""

import json
import os
from pathlib import Path

import pytest

from aevb import runs
from aevb.runs.progress import Progress, load_progress, write_progress
from aevb.runs.status import row
from helpers.commands import settings

PROGRESS = Progress(1500, 1000, -123.25, 4321.5)


def test_a_record_comes_back(tmp_path: Path) -> None:
    write_progress(tmp_path, PROGRESS)
    assert load_progress(tmp_path) == PROGRESS
    write_progress(tmp_path, Progress(10))
    assert load_progress(tmp_path) == Progress(10)
    assert [path.name for path in tmp_path.iterdir()] == ["progress.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"samples_seen": -1, "saved_samples": 0}',
        '{"samples_seen": 1e400, "saved_samples": 0}',
        "[" * 10**5,
    ],
)
def test_a_damaged_record_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "progress.json").write_text(text)
    assert load_progress(tmp_path) is None


def test_links_and_pipes_are_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text(json.dumps({"samples_seen": 1, "saved_samples": 1}))
    (tmp_path / "progress.json").symlink_to(victim)
    assert load_progress(tmp_path) is None
    write_progress(tmp_path, PROGRESS)  # replaces the link
    assert (json.loads(victim.read_text())["samples_seen"], load_progress(tmp_path)) == (1, PROGRESS)
    (tmp_path / "progress.json").unlink()
    os.mkfifo(tmp_path / "progress.json")
    assert load_progress(tmp_path) is None


def test_a_disk_that_refuses_ends_no_run(tmp_path: Path) -> None:
    write_progress(tmp_path / "gone", PROGRESS)
    assert not (tmp_path / "gone").exists()


def test_status_shows_what_is_saved_and_done_removes_it(tmp_path: Path) -> None:
    run = tmp_path / "run"
    runs.prepare(run, settings("data=digits", "max_samples=2000"))
    write_progress(run, PROGRESS)
    assert (row(run).state, row(run).samples_seen, row(run).samples_per_second) == ("partial", 1000, None)
    (run / "metrics.csv").write_text("samples_seen,train_bound\n1200,-3.5\n")  # its checkpoint was written just before
    assert (row(run).samples_seen, row(run).train_bound) == (1200, -3.5)
    runs.mark_done(run, {"samples_seen": 2000})
    assert not (run / "progress.json").exists()
    assert row(run).state == "done"
