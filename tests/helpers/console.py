"""The console commands as functions, and scripts and programs, for a server that forks them (conftest.py)."""

import runpy
import sys
from importlib.metadata import entry_points
from pathlib import Path

import hydra
import matplotlib.pyplot  # noqa: F401

import aevb.evaluation.evaluate_run  # noqa: F401
from aevb.config import CONF

SCRIPTS = [entry for entry in entry_points(group="console_scripts") if entry.name.startswith(("aevb-", "torchrun"))]
COMMANDS = {entry.name: entry.load() for entry in SCRIPTS}

# Hydra has looked for its plugins then, and its parsers know their grammar: no command has to do that again.
with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
    hydra.compose("train", ["data=digits", "+evaluator.bound.batch_size=50", "~data.targets"], return_hydra_config=True)


def main(arguments: list[str]) -> int:
    """arguments: of the command, after its path; or of Python, after `-c PROGRAM` or the path of a script."""
    first, *rest = arguments
    if first == "-c":
        program, *rest = rest
        sys.argv = ["-c", *rest]
        exec(compile(program, "<string>", "exec"), {"__name__": "__main__"})
        return 0
    sys.argv = arguments
    if first.endswith(".py"):
        sys.path[0] = str(Path(first).parent)
        runpy.run_path(first, run_name="__main__")
        return 0
    return COMMANDS[Path(first).name]() or 0
