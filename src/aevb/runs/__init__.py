"""Run directories, the unit of work: made, read and compared without torch."""

from aevb.files.atomic import write_atomically, write_json, write_text
from aevb.runs.provenance import commit
from aevb.runs.records import read_json
from aevb.runs.run import Run, discard, finished, mark_done, mark_failed, planned_action, prepare, state
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
