"""The kill harness in short; the whole of it, with fifty kills, is a command: python scripts/kill_harness.py."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from commands import REPOSITORY

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


def harness(folder: Path, kills: int, *arguments: str) -> None:
    """`kills` kills, survived to the same bits."""
    figures = folder / "kills.json"
    command = [sys.executable, str(REPOSITORY / "scripts" / "kill_harness.py"), "--kills", str(kills), "--blocks", "0"]
    command += ["--writes", "0", "--json", str(figures), *arguments]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=500)
    assert result.returncode == 0, result.stdout + result.stderr
    found = json.loads(figures.read_text())
    assert found["kills"] == found["survived"] == found["bit-identical"] == kills


@linux
@pytest.mark.parametrize("objective", ["sgvb_b", "mcem"])
def test_a_killed_run_comes_to_the_same_bits(objective: str, tmp_path: Path) -> None:
    # The paper's objective, and the one with most of its own in the checkpoint; the others go on in test_objectives_go_on.py.
    # No warm-up: Monte Carlo EM has few updates in a run of this length, and the weights shall move.
    harness(tmp_path, 2, "--objective", objective, "max_samples=1e5", "optimizer.warmup=0")


@linux
def test_two_ranks_killed_twice_come_to_the_same_bits(tmp_path: Path) -> None:
    harness(tmp_path, 2, "--devices", "2", "max_samples=3e4")
