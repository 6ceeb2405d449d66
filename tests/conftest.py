"""The order of the files: those that wait for processes come first, so that no worker has one left when the others are done.

The runs of all tests on one thread are forked from one server (aevb.execution.forkserver), as those of a sweep are, and so are the
commands that a test waits for (commands.py): most of what they would cost is the loading of torch.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from aevb.execution.forkserver import FOLDER
from aevb.execution.lifetime import PARENT
from aevb.execution.pool import threads
from helpers.commands import as_begun

pytest_plugins = ["helpers.fixtures"]

LONG = (
    "test_kills.py",
    "test_signals.py",
    "test_several_machines.py",
    "test_scratch.py",
    "test_sweeps.py",
    "test_ensembles.py",
    "test_ddp.py",
    "test_whole_runs.py",
    "test_wake_sleep.py",
    "test_resume.py",
    "test_marks.py",
    "test_commands.py",
    "test_forkserver.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or FOLDER in os.environ:
        return
    folder = tempfile.TemporaryDirectory()
    own = {**as_begun(os.environ), PARENT: str(os.getpid()), **threads(1)}
    command = [sys.executable, "-m", "aevb.execution.forkserver", folder.name, "--also=helpers.console"]
    server = subprocess.Popen(command, cwd=Path(__file__).parent, env=own, start_new_session=True)
    os.environ[FOLDER] = folder.name

    def end() -> None:
        server.terminate()
        server.wait()
        folder.cleanup()
        del os.environ[FOLDER]

    config.add_cleanup(end)
