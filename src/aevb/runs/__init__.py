"""Run directories, the unit of work: made, read and compared without torch."""

from aevb.runs.files import read_json, write_atomically, write_json, write_text
from aevb.runs.provenance import commit
from aevb.runs.run import Run, discard, finished, mark_done, mark_failed, planned_action, prepare, read_settings, state

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
