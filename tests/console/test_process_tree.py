"""Whose child a process is."""

import os
import subprocess
import sys

import pytest

from aevb.console import process_tree
from aevb.console.process_tree import descends_from

CODE = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'input()']).pid, flush=True); input()"


@pytest.mark.process
@pytest.mark.parametrize("proc", [True, False])
def test_children_of_children_descend_from_a_process(proc, tmp_path, monkeypatch):
    if proc and sys.platform != "linux":
        pytest.skip("there is no /proc")
    if not proc:
        monkeypatch.setattr(process_tree, "PROC", tmp_path)  # ps is asked
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", CODE], **pipes) as child:
        grandchild = int(child.stdout.readline())
        assert descends_from(grandchild, os.getpid())
        assert descends_from(child.pid, os.getpid())
        assert descends_from(os.getpid(), os.getpid())
        assert not descends_from(os.getppid(), os.getpid())
        assert not descends_from(child.pid, grandchild)
        child.communicate("\n")
    assert not descends_from(child.pid, os.getpid())
