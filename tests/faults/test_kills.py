"""The kill harness in short; the whole of it, with fifty kills, is a command: python scripts/kill_harness.py."""

import json
import subprocess
import sys
from pathlib import Path

from commands import REPOSITORY


def test_a_run_killed_three_times_comes_to_the_same_bits(tmp_path: Path) -> None:
    figures = tmp_path / "kills.json"
    command = [sys.executable, str(REPOSITORY / "scripts" / "kill_harness.py"), "--kills", "3", "--blocks", "0"]
    command += ["--writes", "0", "--json", str(figures), "max_samples=1e5"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=500)
    assert result.returncode == 0, result.stdout + result.stderr
    found = json.loads(figures.read_text())
    assert found["kills"] == found["survived"] == found["bit-identical"] == 3
