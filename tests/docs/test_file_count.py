"""CONTRIBUTING.md says how many files a command enters: the number is that of scripts/trace_files.py."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.commands import REPOSITORY

MARGIN = 10
"""How far the number of files may be below the bound, before the bound says too little."""


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.long  # three processes import torch while each of its calls is traced
def test_the_bound_holds_and_is_close(tmp_path: Path) -> None:
    page = (REPOSITORY / "CONTRIBUTING.md").read_text()
    command = re.search(r"^ {4}python (scripts/trace_files\.py .*)$", page, re.MULTILINE)
    bound = re.search(r"^enters fewer than (\d+) files", page, re.MULTILINE)
    assert command is not None
    assert bound is not None
    script, *arguments = shlex.split(command[1])
    traced = subprocess.run(
        [sys.executable, REPOSITORY / script, *arguments], cwd=tmp_path, capture_output=True, text=True
    )
    assert traced.returncode == 0, traced.stderr
    entered = re.findall(r"^(\S+\.py) \(\d+ lines\): ", traced.stdout, re.MULTILINE)
    assert {"cli/train.py", "execution/pool.py", "training/callbacks/checkpointing.py"} <= set(entered)
    assert int(bound[1]) - MARGIN <= len(entered) < int(bound[1])
