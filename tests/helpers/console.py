"""Console commands, scripts and programs as functions, for the server that forks them (helpers.fork_server)."""

import gc
import importlib
import os
import runpy
import signal
import sys
import tempfile
import traceback
from importlib.metadata import entry_points
from pathlib import Path

import hydra
import matplotlib.pyplot  # noqa: F401

import aevb.evaluation.evaluate_run
import aevb.execution.ensemble_worker
import aevb.execution.local_ranks
import aevb.execution.worker  # noqa: F401
from aevb.cli.composition import HYDRA_BASE
from aevb.config import CONF
from aevb.console.process_exit import exit_immediately
from aevb.execution import child_process
from aevb.execution.lifetime import exit_with_parent
from aevb.runs.manifest import installed_packages

SCRIPTS = [entry for entry in entry_points(group="console_scripts") if entry.name.startswith(("aevb-", "torchrun"))]
COMMANDS = {entry.name: entry.load() for entry in SCRIPTS}
TESTS = str(Path(__file__).parents[1])
PATH = [path for path in sys.path if path and path != TESTS]

# Hydra has looked for its plugins then, and its parsers know their grammar: no command has to do that again.
with hydra.initialize_config_dir(str(CONF), **HYDRA_BASE):
    hydra.compose("train", ["data=digits", "+evaluator.bound.batch_size=50", "~data.targets"], return_hydra_config=True)

installed_packages()  # every run records them
gc.enable()
gc.freeze()  # or the collector would touch, and so copy, in every child what all of them share


def run_forked(words: list[str], folder: str, environment: dict[str, str], out: int, err: int) -> None:
    """Becomes a new process with this command line, and ends with its exit code."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        tempfile.tempdir = None  # that of the server, from its own environment
        for number, own in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (err, 2)):
            os.dup2(number, own)
            os.close(number)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115  # as long as the process
        # This process has torch already: its children need not load it again.
        child_process.SHARED = child_process.ALONE = "fork"
        exit_with_parent()
        code = main(words)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    exit_immediately(code)


def main(words: list[str]) -> int:
    """Executes a command line: of a console command, or of `python` with -c, -m or a script."""
    first, *rest = words
    if Path(first).name in COMMANDS:
        sys.argv, sys.path[:] = words, [str(Path(first).parent), *_own_paths(), *PATH]
        return COMMANDS[Path(first).name]() or 0
    kind, *rest = rest
    sys.path[:] = ["", *_own_paths(), *PATH]
    if kind == "-c":
        program, *arguments = rest
        sys.argv = ["-c", *arguments]
        exec(compile(program, "<string>", "exec"), {"__name__": "__main__"})
        return 0
    if kind == "-m":
        module, *arguments = rest
        sys.argv = [module, *arguments]
        return importlib.import_module(module).main(arguments)
    sys.argv, sys.path[0] = [kind, *rest], str(Path(kind).parent)
    runpy.run_path(kind, run_name="__main__")
    return 0


def _own_paths() -> list[str]:
    return [os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
