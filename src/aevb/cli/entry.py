"""The functions of the console commands. Each imports its command, and says in one line that there is too little memory for it.

Nothing is imported at the top, so that the imports themselves are within what is caught.
"""

import sys

__all__ = ["diff", "evaluate", "explore", "export", "figure", "report", "status", "train", "verify", "weights"]


def _run(command: str) -> None:
    from aevb.console.process_exit import set_exit_code, skip_shutdown

    skip_shutdown()
    try:
        _run_to_exit(command)
    except SystemExit as end:
        set_exit_code(end.code)
        raise
    except BaseException:
        set_exit_code(1)
        raise


def _run_to_exit(command: str) -> None:
    if not _is_somewhere():
        sys.exit(_print(f"aevb-{command}: the working directory has been removed; try: cd to a folder that exists"))
    from aevb.console.signals import Stopped, ends_by_signal, handle_stop_signals

    handle_stop_signals()
    try:
        if "--version" in sys.argv[1:]:
            _print_version(f"aevb-{command}")
        with ends_by_signal():
            _import_and_run(command)
    except KeyboardInterrupt:  # while modules were imported; later the command catches it
        _print(f"aevb-{command}: interrupted")
        sys.exit(130)
    except Stopped as stopped:
        if not stopped.is_said:
            _print(f"aevb-{command}: {stopped}; try: the same command")
        raise


def _print_version(program: str) -> None:
    # Here, as Hydra would print its own, and before anything else is asked for.
    from aevb import __version__
    from aevb.console.streams import standard_streams

    with standard_streams(program):
        print(f"aevb {__version__}")
        sys.exit(0)


def _import_and_run(command: str) -> None:
    errors, line = sys.stderr, ""
    try:
        from importlib import import_module

        from aevb.console.imports import begin_process, memory_limit, try_imports_first, without_collection

        if memory_limit() is not None:
            sys.stderr = None  # where memory ends, modules of Python's own write tracebacks
        try_imports_first()
        begin_process()
        with without_collection():
            function = getattr(import_module(f"aevb.cli.{command}"), command)
    except Exception as error:
        if not (line := _too_little(error)):
            raise
    finally:
        sys.stderr = errors
    if line:
        sys.exit(_print(f"aevb-{command}: {line}"))
    function()


def _is_somewhere() -> bool:
    # Python, Hydra and torch ask for the working directory in many places, some while they are imported.
    import os

    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def _print(line: str) -> int:
    if sys.stderr is not None:  # closed
        print(line, file=sys.stderr)
    return 2


def _too_little(error: BaseException) -> str:
    # The line about too little memory; empty for any other exception.
    try:
        from aevb.console.imports import memory_limit
        from aevb.errors import resource_error

        if line := str(resource_error(error) or ""):
            return line
        if memory_limit() is None:
            return ""
    except (MemoryError, ImportError, OSError, SystemError):  # not even for this
        pass
    # Of an import without memory, Python may raise any exception.
    return "memory: too little to start; allowed: what Python needs; try: a higher limit (ulimit -v)"


def train() -> None:
    """aevb-train: train a run, resume it, or report that it is done."""
    _run("train")


def evaluate() -> None:
    """aevb-evaluate: evaluate a finished run, or several."""
    _run("evaluate")


def figure() -> None:
    """aevb-figure: draw a figure from finished runs."""
    _run("figure")


def status() -> None:
    """aevb-status: how far runs have come, or the runs that a sweep would make."""
    _run("status")


def verify() -> None:
    """aevb-verify: execute a run again and compare it bit by bit."""
    _run("verify")


def diff() -> None:
    """aevb-diff: what differs between two runs."""
    _run("diff")


def report() -> None:
    """aevb-report: write one HTML file about runs."""
    _run("report")


def explore() -> None:
    """aevb-explore: write an offline page about the latent space of runs."""
    _run("explore")


def export() -> None:
    """aevb-export: write the networks of a run for other programs."""
    _run("export")


def weights() -> None:
    """aevb-weights: the weights of runs as one archive."""
    _run("weights")
