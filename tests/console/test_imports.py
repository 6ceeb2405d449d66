"""The garbage collector is off while modules are imported, and their objects are frozen in the process of a command only."""

import gc
import subprocess
import sys

from aevb.console.imports import without_collection

COMMAND = """
import gc
from aevb.console.imports import begin_process, without_collection
begin_process()
with without_collection():
    import json
frozen = gc.get_freeze_count()
print(frozen > 1000, gc.isenabled())
"""


def test_collector_is_off_within_and_on_behind() -> None:
    frozen = gc.get_freeze_count()
    with without_collection():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() == frozen  # this process belongs to pytest


def test_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with without_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_command_freezes_what_it_imports() -> None:
    answer = subprocess.run([sys.executable, "-c", COMMAND], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["True", "True"]
