"""Runs in progress: started, watched and signalled from outside, as a scheduler or a power cut would."""

import hashlib
import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import torch

from aevb.runs.run import Run, finished
from helpers.commands import Started, aevb, started

DIGITS = ("data=digits", "latent_dim=2", "hidden_dim=30", "logger=none", "evaluator=bound", "evaluation.start=1")


def begin(folder: Path, *arguments: str) -> Started:
    """aevb-train with `arguments` in `folder`, not waited for."""
    return started("train", *arguments, folder=folder)


def reach(process: subprocess.Popen[str] | Started, run: Path, samples: int) -> None:
    """Waits until metrics.csv has a row at `samples` or beyond and is written by the process, while it lives.

    A run that is resumed may have come further than `samples` before, when the process does not yet handle signals.
    """
    began, path = getattr(process, "began", 0.0), run / "metrics.csv"
    deadline = time.monotonic() + 120
    while last_row(run) < samples or path.stat().st_mtime < began:
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)


def last_row(run: Path) -> int:
    """samples_seen of the last row of metrics.csv, 0 without one."""
    path = run / "metrics.csv"
    return int(path.read_text().splitlines()[-1].split(",")[0]) if path.exists() else 0


def checkpoint(run: Path) -> int:
    """samples_seen of the last checkpoint."""
    return torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["training"]["samples_seen"]


def weights(run: Path) -> str:
    """sha256 of the final weights."""
    state = torch.load(run / "model.pt", weights_only=True)
    return hashlib.sha256(b"".join(value.numpy().tobytes() for value in state.values())).hexdigest()


def processes_in(folder: Path) -> dict[int, str]:
    """Ids and command lines of the processes whose working directory is `folder`.

    One that is ending has no command line any more, but its files are open, and locked, as long as it has a working directory.
    """
    commands = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve() == folder.resolve():
                commands[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
    return commands


def kill_all_in(folder: Path, seconds: float = 30) -> None:
    """A power cut for the processes in `folder`: none of them has a moment to tidy up.

    Waits until every one has ended with all of its threads. Linux takes the working directory from a dying process before it
    releases its locks, so that a process without a working directory may still hold one.
    """
    for pid in processes_in(folder):
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(pid, signal.SIGSTOP)
    killed = processes_in(folder)
    for pid in killed:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + seconds
    while not all(map(has_ended, killed)):
        assert time.monotonic() < deadline, killed
        time.sleep(0.01)


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or waits for its parent without a thread that still runs."""
    states = []
    for status in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(OSError):
            states.append(status.read_text().rpartition(")")[2].split()[0])
    return set(states) <= {"Z", "X"}


def gone_within(folder: Path, seconds: float) -> bool:
    """Whether no process is left in `folder` after at most `seconds`."""
    deadline = time.monotonic() + seconds
    while processes_in(folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def pair(folder: Path, devices: str, *arguments: str) -> tuple[Run, Run]:
    """The same run on one device and on several, as two jobs of one sweep over `devices`."""
    result = aevb("train", "-m", devices, *DIGITS, *arguments, folder=folder)
    assert result.returncode == 0, result.stderr
    return by_devices(folder)


def by_devices(folder: Path) -> tuple[Run, Run]:
    """The two finished runs in `folder`, the one on fewer devices first."""
    one, several = sorted(finished(folder), key=lambda run: run.settings["trainer"]["devices"])
    return one, several
