"""The console commands as functions, for a server that forks them (conftest.py)."""

import sys
from importlib.metadata import entry_points
from pathlib import Path

import matplotlib.pyplot  # noqa: F401

import aevb.evaluate  # noqa: F401

COMMANDS = {
    entry.name: entry.load() for entry in entry_points(group="console_scripts") if entry.name.startswith("aevb-")
}


def main(arguments: list[str]) -> int:
    """arguments: of the command, after its path."""
    sys.argv = arguments
    return COMMANDS[Path(arguments[0]).name]() or 0
