"""The kill harness in short; the whole of it, with fifty kills, is a command: python scripts/kill_harness.py."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import kill_harness
import pytest

from commands import REPOSITORY, forked

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


def arguments(kills: int, *more: str) -> list[str]:
    """Of the harness: `kills` kills, wherever they fall; figures in kills.json."""
    return ["--kills", str(kills), "--blocks", "0", "--writes", "0", "--json", "kills.json", *more]


def survived(folder: Path, kills: int) -> None:
    """Asserts that every run that was killed came to the same bits."""
    found = json.loads((folder / "kills.json").read_text())
    assert found["kills"] == found["survived"] == found["bit-identical"] == kills


def begun(command: list[str], *, cwd: Path, env: dict[str, str], stdout: Any, stderr: Any, **_: Any) -> Any:
    """A process of the harness, forked where torch is loaded already; as good to kill as a new one."""
    child = forked(["console", *command[1:]], cwd, env, [0, stdout.fileno(), stderr.fileno()])
    return child or subprocess.Popen(command, cwd=cwd, env=env, stdout=stdout, stderr=stderr, start_new_session=True)


@linux
@pytest.mark.parametrize("objective", ["sgvb_b", "mcem"])
def test_a_killed_run_comes_to_the_same_bits(objective: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The paper's objective, and the one with most of its own in the checkpoint; the others go on in test_objectives_go_on.py.
    # No warm-up: Monte Carlo EM has few updates in a run of this length, and the weights shall move.
    monkeypatch.chdir(tmp_path)
    more = ("--objective", objective, "max_samples=1e5", "optimizer.warmup=0")
    monkeypatch.setattr("sys.argv", ["kill_harness.py", *arguments(2, *more)])
    monkeypatch.setattr(kill_harness, "subprocess", SimpleNamespace(Popen=begun))
    assert kill_harness.main() == 0
    survived(tmp_path, 2)


@linux
def test_two_ranks_killed_twice_come_to_the_same_bits(tmp_path: Path) -> None:
    command = [sys.executable, str(REPOSITORY / "scripts" / "kill_harness.py")]
    command += arguments(2, "--devices", "2", "max_samples=3e4")
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=500)
    assert result.returncode == 0, result.stdout + result.stderr
    survived(tmp_path, 2)
