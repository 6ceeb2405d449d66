"""Run directories, the unit of work: made, read and compared without torch.

The package can be called: `aevb.runs("outputs/runs")` returns the table of all runs in a folder, a DataFrame.
"""

import inspect
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from aevb.files.atomic import write_atomically, write_json, write_text
from aevb.runs.lifecycle import discard, mark_done, mark_failed, planned_action, prepare
from aevb.runs.manifest import commit
from aevb.runs.records import read_json
from aevb.runs.run import Run, finished, state
from aevb.runs.settings import read_settings

__all__ = [
    "Run",
    "commit",
    "discard",
    "finished",
    "mark_done",
    "mark_failed",
    "planned_action",
    "prepare",
    "read_json",
    "read_settings",
    "state",
    "write_atomically",
    "write_json",
    "write_text",
]


class _Runs(ModuleType):
    @property
    def __doc__(self) -> str:  # type: ignore[override]
        # What help(aevb.runs) shows: a call has the arguments, columns and errors of the function behind it.
        called = import_module("aevb.api.table").table
        return f"{self.__dict__['__doc__']}\n{inspect.getdoc(called)}"

    def __call__(self, folder: Any = "outputs/runs") -> Any:
        """Return the table of the runs in a folder (`aevb.api.table.table`)."""
        return import_module("aevb.api.table").table(folder)  # by name: it lies on a floor above


sys.modules[__name__].__class__ = _Runs
