"""One process to a run directory; a dead owner keeps nothing."""

import fcntl
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from aevb import runs
from aevb.errors import UserError
from aevb.runs import lock as runs_lock
from aevb.runs.lock import is_locked, lock, signal_owned
from aevb.training import train_run
from helpers.commands import aevb, settings
from helpers.running import begin, processes_in
from helpers.short_runs import DIGITS, a_dead_process, train

OWNER = "import sys, time; from pathlib import Path; from aevb.runs.lock import lock\n"
OWNER += "with lock(Path(sys.argv[1])):\n    print('mine', flush=True); time.sleep(600)"


def owner(run: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", OWNER, str(run)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "mine\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    process.stdout.close()


@pytest.mark.fault(
    "two processes on one run directory",
    "the second process is refused with the process, host and time of the first, and writes nothing",
)
def test_the_second_command_on_a_run_is_refused(tmp_path: Path) -> None:
    overrides = (*DIGITS, "name=run")
    first = begin(tmp_path, *overrides, "max_samples=1e8")
    run, deadline = tmp_path / "outputs" / "runs" / "run", time.monotonic() + 120
    try:
        while not (run / "checkpoints" / "last.ckpt").exists():
            assert first.poll() is None, first.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        (pid,) = processes_in(tmp_path)
        second = aevb("train", *overrides, "max_samples=2e5", folder=tmp_path)
        assert (second.returncode, second.stdout) == (2, "")
        (line,) = second.stderr.splitlines()
        message = f"aevb-train: outputs/runs/run: in use by process {pid} on {socket.gethostname()} since 2"
        assert line.startswith(message)
        assert "try: " in line
        assert first.poll() is None
        assert runs.read_settings(run)["max_samples"] == 10**8  # the second has written nothing
        with pytest.raises(UserError, match=f"in use by process {pid} "):
            train_run.run(run)
        assert not (run / "FAILED").exists()
        runs.discard(run)
        assert (run / "config.yaml").exists()
    finally:
        first.kill()
        first.communicate(60)
    assert (run / "LOCK").exists()
    with lock(run):
        assert json.loads((run / "LOCK").read_text())["pid"] == os.getpid()
    assert not (run / "LOCK").exists()


@pytest.mark.fault(
    "a command is refused because another process has just started the run",
    "the run of the other process is not removed",
)
def test_a_run_somebody_began_is_not_discarded(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "run"
    runs.prepare(run, settings(*DIGITS))
    process = owner(run)
    runs.discard(run)
    assert (run / "config.yaml").exists()
    end(process)
    runs.discard(run)
    assert not run.exists()


@pytest.mark.fault(
    "a lock file of a dead process or of another host, or one that is empty or damaged",
    "it locks nothing",
)
def test_a_lock_file_without_an_owner_holds_nothing(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for text in (json.dumps({"pid": os.getppid(), "host": socket.gethostname(), "since": "now"}), "", "{"):
        (run / "LOCK").write_text(text)
        with lock(run):
            pass
    (run / "LOCK").write_text(json.dumps({"pid": a_dead_process(), "host": "elsewhere", "since": "now"}))
    assert train(run, 100).joinpath("DONE").exists()


def test_a_lock_that_says_nothing_holds_all_the_same(tmp_path: Path) -> None:
    with lock(tmp_path / "run"):
        (tmp_path / "run" / "LOCK").write_text("")
        with pytest.raises(UserError, match="in use by another process"), lock(tmp_path / "run"):
            pass


@pytest.mark.fault(
    "a joblib sweep is stopped while another command trains a run that it has too",
    "the runs of the sweep itself are asked to save; that of the other command goes on",
)
def test_only_a_process_of_ones_own_is_signalled(tmp_path: Path) -> None:
    child = owner(tmp_path / "child")
    words = f"{shlex.join([sys.executable, '-c', OWNER, str(tmp_path / 'other')])} & echo $!; read line < /dev/null"
    with subprocess.Popen(["sh", "-c", words], stdout=subprocess.PIPE, text=True) as shell:  # ends before its child
        other = int(shell.stdout.readline())
        assert shell.stdout.readline() == "mine\n"
        shell.wait()
    try:
        assert not signal_owned(tmp_path / "other", signal.SIGTERM)
        assert signal_owned(tmp_path / "child", signal.SIGTERM)
        assert child.wait() == -signal.SIGTERM
        child.stdout.close()
        assert is_locked(tmp_path / "other")
        assert not signal_owned(tmp_path / "child", signal.SIGTERM)  # nobody holds it
    finally:
        os.kill(other, signal.SIGKILL)


@pytest.mark.fault(
    "a run directory is removed while it is locked, and created again",
    "the lock belongs to the new owner",
)
def test_a_folder_made_again_belongs_to_who_made_it(tmp_path: Path) -> None:
    """The first owner's folder is removed under it; it must not take the second owner's lock away at its end."""
    run = tmp_path / "run"
    first = lock(run)
    first.__enter__()
    (run / "LOCK").unlink()
    with lock(run):
        first.__exit__(None, None, None)
        assert (run / "LOCK").exists()
        with pytest.raises(UserError, match="in use by"), lock(run):
            pass


def test_a_look_at_the_lock_does_not_refuse_its_next_owner(tmp_path: Path) -> None:
    """aevb-status tests a lock by taking it shared for a moment, which may be that in which a run begins."""
    with (tmp_path / "LOCK").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        release = threading.Timer(0.1, fcntl.flock, (file, fcntl.LOCK_UN))
        release.start()
        with lock(tmp_path):
            assert is_locked(tmp_path)
        release.join()


def test_a_lock_that_is_shared_for_ever_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs_lock, "SECONDS", 0.0)
    with (tmp_path / "LOCK").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        with pytest.raises(UserError, match="in use by another process"), lock(tmp_path):
            pass
