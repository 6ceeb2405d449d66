"""The order of the files: those that wait for processes come first, so that no worker has one left when the others are done."""

import pytest

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
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))
