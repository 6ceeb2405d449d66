"""Nothing is left in the temporary folder, neither by commands that end nor, for long, by those that are killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aevb.errors import UserError
from aevb.runs import scratch as module
from aevb.runs.lock import lock
from aevb.runs.scratch import scratch
from helpers.commands import TINY, aevb, process, tool
from helpers.running import begin, gone_within, kill_all_in, processes_in, reach

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder of the commands that the test starts."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def left(folder: Path) -> list[str]:
    """What aevb has left in the temporary folder."""
    return sorted(path.name for path in folder.iterdir() if "aevb" in path.name)


def test_commands_that_end_leave_nothing(temporary: Path, tmp_path: Path) -> None:
    for arguments, code in (
        ((*TINY, "name=a"), 0),
        (("-m", *TINY, "name=a,b"), 0),
        (("latent_dim=0",), 2),
        (("-m", "latent_dim=0,1"), 2),
        (("--help",), 0),
    ):
        result = aevb("train", *arguments, folder=tmp_path)
        assert result.returncode == code, result.stderr
        assert left(temporary) == []
    assert tool("verify", "outputs/runs/a", folder=tmp_path).returncode == 0
    assert aevb("evaluate", "run=outputs/runs/a", "evaluator=bound", folder=tmp_path).returncode == 0
    assert left(temporary) == []


@pytest.mark.fault(
    "temporary folders of commands that were killed",
    "the next command removes them; those of living processes and of other users stay",
)
def test_what_a_killed_command_left_goes_with_the_next_one(temporary: Path, tmp_path: Path) -> None:
    started = begin(tmp_path, *TINY, "trainer=ddp", "name=run", "max_samples=1e8")
    reach(started, tmp_path / "outputs" / "runs" / "run", 1000)
    assert len(left(temporary)) == 2  # the command's, and that of aevb.execution.local_ranks, which it has started
    assert aevb("train", "--check", *TINY, folder=tmp_path).returncode == 0
    assert len(left(temporary)) == 2  # their owners live
    kill_all_in(tmp_path)
    started.communicate(timeout=30)
    assert gone_within(tmp_path, 10), processes_in(tmp_path)
    assert len(left(temporary)) == 2
    assert aevb("train", "--check", *TINY, folder=tmp_path).returncode == 0
    assert left(temporary) == []


@pytest.mark.fault(
    "the unpacked runs of an archive, left by a command or a notebook that was killed",
    "the next command removes them; those of living processes stay",
)
def test_a_run_of_an_archive_is_not_left_for_long(temporary: Path, tmp_path: Path) -> None:
    assert aevb("train", *TINY, "name=run", folder=tmp_path).returncode == 0
    assert aevb("weights", "pack", "outputs/runs", "--output", "w.zip", folder=tmp_path).returncode == 0
    code = "import aevb; vae = aevb.load('w.zip'); print(vae.directory.exists(), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as loaded:
        assert loaded.stdout is not None
        assert loaded.stdout.readline() == "True\n"
        assert aevb("train", "--check", *TINY, folder=tmp_path).returncode == 0
        assert len(left(temporary)) == 1
        loaded.kill()
    assert len(left(temporary)) == 1
    assert aevb("train", "--check", *TINY, folder=tmp_path).returncode == 0
    assert left(temporary) == []


def test_an_orphaned_or_stopped_command_clears_away(temporary: Path, tmp_path: Path) -> None:
    run = tmp_path / "outputs" / "runs" / "run"
    for stop, remain in ((signal.SIGTERM, 0), (signal.SIGKILL, 1)):
        started = begin(tmp_path, "-m", *TINY, "trainer=ddp", "name=run", "max_samples=1e8")
        reach(started, run, 1000)
        started.send_signal(stop)  # to the command alone
        started.communicate(timeout=60)
        assert gone_within(tmp_path, 10), processes_in(tmp_path)
        assert len(left(temporary)) == remain  # who was killed has left its own, who was orphaned nothing


def test_no_other_folder_is_taken_for_one(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", None)  # Python remembers the one before
    (temporary / "aevb-scratch-of-mine").mkdir()
    (temporary / "aevb-runs" / "run").mkdir(parents=True)
    (temporary / "aevb-runs" / "run" / "LOCK").touch()
    (temporary / "aevb-scratch-link").symlink_to(temporary / "aevb-runs" / "run")
    (temporary / "aevb-scratch-dead").mkdir()
    (temporary / "aevb-scratch-dead" / "LOCK").touch()
    with scratch() as folder:
        assert folder.parent == temporary
        assert folder.stat().st_mode & 0o777 == 0o700
        assert sorted(path.name for path in temporary.iterdir()) == sorted(
            [folder.name, "aevb-runs", "aevb-scratch-of-mine", "aevb-scratch-link"]
        )
        assert (temporary / "aevb-runs" / "run" / "LOCK").exists()
        with scratch() as another, pytest.raises(UserError, match="in use by"), lock(folder):
            raise AssertionError(another)
    assert not folder.exists()
    monkeypatch.setattr(module.os, "getuid", lambda: -1)  # everything is somebody else's
    (temporary / "aevb-scratch-dead").mkdir()
    (temporary / "aevb-scratch-dead" / "LOCK").touch()
    with scratch():
        assert (temporary / "aevb-scratch-dead").is_dir()


@pytest.mark.fault(
    "no temporary folder can be written",
    "one line, exit code 2",
)
def test_no_temporary_folder_is_reported(tmp_path: Path) -> None:
    # A disk on which no file gets beyond nothing: what Python looks for is a folder where it can write a few bytes.
    script = Path(sys.executable).with_name("aevb-train")
    result = process(["bash", "-c", f"trap '' XFSZ; ulimit -f 0; {script} --check data=digits; exit $?"], tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("aevb-train: TMPDIR")
    assert "try: TMPDIR=" in line


@pytest.mark.fault("a named pipe called LOCK in a temporary folder of another user", "no command waits for it")
def test_a_named_pipe_as_a_lock_is_not_waited_for(temporary: Path, tmp_path: Path) -> None:
    (temporary / "aevb-scratch-pipe").mkdir()
    os.mkfifo(temporary / "aevb-scratch-pipe" / "LOCK")
    assert aevb("train", "--check", *TINY, folder=tmp_path).returncode == 0
    assert aevb("status", folder=tmp_path).returncode == 2
    assert (temporary / "aevb-scratch-pipe" / "LOCK").is_fifo()
