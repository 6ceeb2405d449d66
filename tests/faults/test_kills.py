"""The kill harness in short; the whole of it, with fifty kills, is a command: python scripts/kill_harness.py."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import kill_harness
import pytest

from helpers.commands import start

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


def begin(command: list[str], *, cwd: Path, env: dict[str, str], stdout: Any, stderr: Any, **_: Any) -> Any:
    """A process of the harness, forked where torch is loaded already; as good to kill as a new one."""
    return start(command, cwd, env, stdout.fileno(), stderr.fileno())


def harness(folder: Path, monkeypatch: pytest.MonkeyPatch, kills: int, *more: str) -> None:
    """`kills` kills, survived to the same bits."""
    words = ["--kills", str(kills), "--blocks", "0", "--writes", "0", "--json", "kills.json", *more]
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.argv", ["kill_harness.py", *words])
    monkeypatch.setattr(kill_harness, "subprocess", SimpleNamespace(Popen=begin))
    assert kill_harness.main() == 0
    record = json.loads((folder / "kills.json").read_text())
    assert record["kills"] == record["survived"] == record["bit-identical"] == kills


@pytest.mark.fault(
    "`kill -9` at random times until the run is done",
    "the same weights, metrics.csv and TensorBoard points as without kills (115 kills: see below)",
)
@linux
@pytest.mark.parametrize("objective", ["sgvb_b", pytest.param("mcem", marks=pytest.mark.long)])
def test_a_killed_run_comes_to_the_same_bits(objective: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The paper's objective, and the one with most of its own in the checkpoint; the others go on in test_objectives_go_on.py.
    # No warm-up: Monte Carlo EM has few updates in a run of this length, and the weights shall move.
    harness(tmp_path, monkeypatch, 2, "--objective", objective, "max_samples=1e5", "optimizer.warmup=0")


@pytest.mark.fault(
    "two ranks: all processes, one rank, or only the command is killed at random times",
    "the same weights, metrics.csv and TensorBoard points as without kills; no process remains after 10 s",
)
@linux
@pytest.mark.long  # tests/training/callbacks/test_preemption.py kills two ranks once
def test_two_ranks_killed_twice_come_to_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    harness(tmp_path, monkeypatch, 2, "--devices", "2", "max_samples=3e4")
