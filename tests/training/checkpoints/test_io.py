"""Whatever happens to the last checkpoint, the run is resumed to the same bits or says what to do."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from aevb.errors import UserError
from aevb.files.archive import is_intact
from aevb.runs.layout import newest_checkpoint
from aevb.runs.lock import lock
from aevb.training.checkpoints.io import DurableCheckpointIO, load
from aevb.training.divergence import DivergenceWatch
from helpers.short_runs import a_dead_process, outcome, train


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_a_bit(path: Path) -> None:
    """In the numbers, where torch.load notices nothing."""
    raw = bytearray(path.read_bytes())
    position = raw.index(load(path)["state_dict"]["model.encoder.hidden.weight"].numpy().tobytes()) + 100
    raw[position] ^= 1
    path.write_bytes(raw)
    torch.load(path, weights_only=True)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def garbage(path: Path) -> None:
    path.write_bytes(b"\x80\x02" + os.urandom(5000))


@pytest.mark.fault(
    "the last checkpoint is truncated",
    "one line names both files; the run resumes from the previous checkpoint and has the same bits",
    case="truncate",
)
@pytest.mark.fault(
    "one bit in the numbers of the last checkpoint is flipped",
    "as above (torch.load alone reads the damaged file without an error)",
    case="flip_a_bit",
)
@pytest.mark.fault(
    "the last checkpoint is empty",
    "as above",
    case="empty",
)
@pytest.mark.fault(
    "the last checkpoint is overwritten with garbage",
    "as above",
    case="garbage",
)
@pytest.mark.parametrize("damage", [truncate, flip_a_bit, empty, garbage])
def test_the_previous_checkpoint_is_used_if_the_last_is_damaged(
    damage: Callable[[Path], None], undisturbed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(tmp_path / "run", 1000)
    last, before = run / "checkpoints" / "last.ckpt", run / "checkpoints" / "last.previous.ckpt"
    damage(last)
    capsys.readouterr()
    train(run, 3000)
    assert outcome(run) == outcome(undisturbed)
    lines = [line for line in capsys.readouterr().err.splitlines() if "damaged" in line]
    assert lines == [f"{last}: damaged; the run is resumed from the previous checkpoint, {before}"]
    assert [load(path)["training"]["samples_seen"] for path in (last, before)] == [3000, 2000]


@pytest.mark.fault(
    "a second crash, during the first save after a damaged checkpoint",
    "the good checkpoint still exists, because the damaged one was renamed",
)
def test_a_damaged_checkpoint_never_replaces_the_previous_one(tmp_path: Path, monkeypatch) -> None:
    """The first save after the damage is cut between its two renames: the good checkpoint must still be there."""
    run = train(tmp_path / "run", 1000)
    truncate(run / "checkpoints" / "last.ckpt")
    replace = os.replace

    def cut(source: Path, target: Path) -> None:
        if Path(target).name == "last.ckpt":
            raise RuntimeError("cut")
        replace(source, target)

    monkeypatch.setattr(os, "replace", cut)
    with pytest.raises(RuntimeError, match="cut"):
        train(run, 3000)
    monkeypatch.undo()
    newest = newest_checkpoint(run)
    assert newest is not None
    assert load(newest)["training"]["samples_seen"] == 500


@pytest.mark.fault(
    "`kill -9` between the two renames of a checkpoint",
    "the run resumes from the previous checkpoint and has the same bits",
)
def test_a_kill_between_the_two_renames(undisturbed: Path, tmp_path: Path) -> None:
    run = train(tmp_path / "run", 1000)
    (run / "checkpoints" / "last.ckpt").unlink()
    assert outcome(train(run, 3000)) == outcome(undisturbed)


@pytest.mark.fault(
    "both checkpoints are damaged",
    "refused with one line that names both and says what to do; nothing is removed",
)
def test_both_damaged_is_an_error_and_nothing_is_removed(tmp_path: Path) -> None:
    run = train(tmp_path / "run", 1000)
    folder = run / "checkpoints"
    for path in folder.iterdir():
        truncate(path)
    with pytest.raises(
        UserError, match=rf"^{folder}/last\.ckpt and {folder}/last\.previous\.ckpt: damaged; try: .*remove"
    ) as error:
        train(run, 3000)
    assert "\n" not in str(error.value)
    assert sorted(path.name for path in folder.iterdir()) == ["last.ckpt", "last.previous.ckpt"]


@pytest.mark.fault(
    "half-written files of a killed process",
    "removed at the next start; those of a living process stay",
)
def test_what_a_killed_process_left_half_written_is_removed(undisturbed: Path, tmp_path: Path) -> None:
    run = train(tmp_path / "run", 1000)
    dead, living = a_dead_process(), os.getppid()
    left = [run / "checkpoints" / f".aevb-tmp-last.ckpt-{dead}", run / f".aevb-tmp-metrics.csv-{dead}"]
    (run / "tb").mkdir(exist_ok=True)
    (run / "notes" / "deep").mkdir(parents=True)
    (run / f".aevb-tmp-folder-{dead}").mkdir()
    kept = [
        run / "evaluation" / f".aevb-tmp-bound-test.json-{living}",
        run / f".notes-{dead}",  # somebody's: it has not our prefix
        run / "notes" / "deep" / f".aevb-tmp-metrics.csv-{dead}",  # in no folder of ours
    ]
    for path in (*left, *kept):
        path.write_bytes(b"half")
    assert outcome(train(run, 3000)) == outcome(undisturbed)
    assert [path.exists() for path in (*left, *kept)] == [False, False, True, True, True]
    assert (run / f".aevb-tmp-folder-{dead}").is_dir()


@pytest.mark.fault(
    "a crash between two evaluation points",
    "the run resumes from the checkpoint that was saved by time, and has the same bits",
)
def test_saving_by_time_changes_nothing_and_is_resumed(undisturbed: Path, tmp_path: Path, monkeypatch) -> None:
    often = ("trainer.block=1", "trainer.checkpoint_minutes=1e-9")
    finite_bounds = DivergenceWatch.finite_bounds

    def breaks(self: DivergenceWatch, updates: list) -> object:
        if self.module.samples_seen == 1700:
            raise RuntimeError("power cut")
        return finite_bounds(self, updates)

    monkeypatch.setattr(DivergenceWatch, "finite_bounds", breaks)
    with pytest.raises(RuntimeError, match="power cut"):
        train(tmp_path / "run", 3000, *often)
    monkeypatch.undo()
    state = load(tmp_path / "run" / "checkpoints" / "last.ckpt")
    assert state["training"]["samples_seen"] == 1600  # not an evaluation point
    timing = state["callbacks"]["timing"]
    assert (
        timing["seconds"][0] > timing["rows"][-1]["training_seconds"]
    )  # includes the training since the evaluation point
    assert outcome(train(tmp_path / "run", 3000, *often)) == outcome(undisturbed)


SAVING = """
import os, sys, time, torch
from pathlib import Path
from aevb.training.checkpoints.io import DurableCheckpointIO
torch.set_num_threads(1)
target = Path(sys.argv[1])
state = {"weights": torch.arange(100_000.0), "training": {"samples_seen": 1}}
for line in sys.stdin:
    child = os.fork()
    if not child:
        while True:
            DurableCheckpointIO().save_checkpoint(state, target)
    print(child, flush=True)
    os.waitpid(child, 0)
"""


@pytest.mark.fault(
    "`kill -9` while a checkpoint is written, TMPDIR on another file system",
    "a complete checkpoint exists after every kill; nothing is written to TMPDIR",
)
def test_twenty_kills_while_saving(tmp_path: Path) -> None:
    """At every kill a whole checkpoint is there (never flaky), and nothing was put into the temporary folder. Half the time of
    that loop goes into writing: no kill meets a write once in 2^20 runs."""
    elsewhere = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else tmp_path / "tmp"
    scratch = elsewhere / f"aevb-{os.getpid()}"
    scratch.mkdir(parents=True)
    run = tmp_path / "run"
    target = run / "checkpoints" / "last.ckpt"
    saver = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", SAVING, str(target)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(scratch)},
    )  # fmt: skip
    torn = 0
    try:
        for attempt in range(20):
            print(file=saver.stdin, flush=True)
            child = int(saver.stdout.readline())
            deadline = time.monotonic() + 60
            while newest_checkpoint(run) is None:
                assert time.monotonic() < deadline
                time.sleep(0.005)
            time.sleep(0.003 * attempt)
            os.kill(child, signal.SIGKILL)
            while Path(f"/proc/{child}").exists():
                assert time.monotonic() < deadline
                time.sleep(0.002)
            newest = newest_checkpoint(run)
            assert newest is not None
            assert load(newest)["weights"][-1] == 99_999
            torn += (target.parent / f".aevb-tmp-last.ckpt-{child}").exists()
        with lock(run):
            assert not list(target.parent.glob(".*"))
    finally:
        saver.stdin.close()
        saver.wait(60)
        saver.stdout.close()
        left = list(scratch.iterdir())
        scratch.rmdir()
    assert left == []
    assert torn > 0, "no kill met a write: the test tried nothing"


def test_what_is_saved_is_whole_and_the_one_before_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "checkpoints" / "last.ckpt"
    for i in range(3):
        DurableCheckpointIO().save_checkpoint({"i": i}, target)
    names = ["last.ckpt", "last.previous.ckpt"]
    assert sorted(path.name for path in target.parent.iterdir()) == names
    assert [load(target.parent / name)["i"] for name in names] == [2, 1]
    assert all(is_intact(target.parent / name) for name in names)
