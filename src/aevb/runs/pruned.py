"""PRUNED, the mark of a run that a search stopped because others were better at the same evaluation point.

The run is partial: it has saved and is resumed like any other, which removes the mark.
"""

from pathlib import Path

from aevb.errors import UserError
from aevb.files.atomic import write_text
from aevb.files.regular import read_text
from aevb.runs import layout

__all__ = ["mark_pruned", "pruned_by"]

LIMIT = 4096  # bytes that are read


def mark_pruned(directory: Path, reason: str) -> None:
    """Write PRUNED.

    Args:
        directory: The run directory.
        reason: Who pruned it, and where, in one line.
    """
    write_text(directory / layout.PRUNED, f"{reason}\n")


def pruned_by(directory: Path) -> str:
    """Return what PRUNED says; empty if there is none.

    Args:
        directory: The run directory.
    """
    try:
        return " ".join(read_text(directory / layout.PRUNED, LIMIT).split())
    except (OSError, UserError):
        return ""
