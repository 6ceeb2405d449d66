"""A run as a child process: one worker, or one process per device (aevb.execution.local_ranks).

Lightning must not start processes itself: it would repeat the command line, and with it the whole sweep. A child ends when
its parent has died, receives the signals that its parent gets, and prints itself why it failed.

Several children on the CPU are forked from one process that has loaded torch and Lightning (`multiprocessing`'s fork server),
so that each does not load them again. All others start from nothing: a device must not have been opened before a fork.
"""

import importlib
import multiprocessing
import os
import signal
import sys
import time
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any

from aevb.console.environment import LAUNCHER
from aevb.console.imports import begin_process, try_imports_first, without_collection
from aevb.console.process_exit import exit_immediately
from aevb.console.signals import STOP_SIGNALS, stop_signals
from aevb.console.streams import prepare_streams
from aevb.data.torchvision_import import matching_torchvision
from aevb.errors import UserError, resource_error
from aevb.execution.worker_command import SHARED, WorkerCommand, thread_variables

__all__ = [
    "GRACE",
    "SignalReceived",
    "described_end",
    "exit_code",
    "signals_blocked",
    "signals_raised",
    "start_child",
    "stop_children",
]

ALONE = "spawn"  # how a child is started that shares no modules with others
PRELOADED = ["aevb.execution.worker", "aevb.execution.ensemble_worker"]
PRELOAD = "aevb.execution.preload"  # imports both
GRACE = 60.0  # seconds for a child that was asked to stop: aevb.execution.local_ranks gives its own 30 of them to save
SERVER_DIED = 255  # exit code in the words of multiprocessing when it cannot know one

# What a surrounding torchrun, or a script that once used one, would say to the child about ranks that are not its own.
LAUNCHER_VARIABLES = (
    "LOCAL_RANK",
    "RANK",
    "WORLD_SIZE",
    "LOCAL_WORLD_SIZE",
    "NODE_RANK",
    "GROUP_RANK",
    "GROUP_WORLD_SIZE",
)
LAUNCHER_PREFIXES = ("MASTER_", "ROLE_", "TORCHELASTIC_", "PET_")


_server_threads: int | None = None  # of the fork server, which can have only one number


def start_child(command: WorkerCommand, shared: bool) -> BaseProcess:
    """Start a child process.

    Args:
        command: What it does.
        shared: Whether it is forked from the process that has loaded torch; that one has a single number of threads.

    Returns:
        The process.
    """
    global _server_threads
    if shared and _server_threads in (None, command.threads):
        _server_threads = command.threads
        multiprocessing.set_forkserver_preload([PRELOAD if command.module in PRELOADED else command.module])
        method = SHARED
    else:
        method = ALONE
    if multiprocessing.get_start_method(allow_none=True) not in (None, *multiprocessing.get_all_start_methods()):
        # A process of joblib's has a start method of its own, which no child knows.
        multiprocessing.set_start_method(method, force=True)
    context: Any = multiprocessing.get_context(method)
    process: BaseProcess = context.Process(target=_child, args=(command.module, command.arguments))
    with _clean_environment(command.threads), _without_main_module():
        process.start()
    return process


def _child(module: str, arguments: list[str]) -> None:
    code = 1
    try:
        prepare_streams()
        try_imports_first()
        # A session of its own: Ctrl-C in a terminal goes to everyone in the foreground, and is to arrive once.
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        begin_process()
        with without_collection(), matching_torchvision():
            main = importlib.import_module(module).main
        code = main(arguments)
    except UserError as error:
        print(f"{arguments[0]}: {error}", file=sys.stderr)
        code = 2
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except BaseException as error:
        if (too_little := resource_error(error)) is not None:
            print(f"{arguments[0]}: {too_little}", file=sys.stderr)
            code = 2
        else:
            sys.excepthook(*sys.exc_info())
    exit_immediately(code)


@contextmanager
def _clean_environment(threads: int) -> Iterator[None]:
    """The environment that a child, or the server that forks it, is to inherit."""
    before = dict(os.environ)
    for name in before:
        if name in (*LAUNCHER_VARIABLES, LAUNCHER) or name.startswith(LAUNCHER_PREFIXES):
            del os.environ[name]
    os.environ.update(thread_variables(threads))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _without_main_module() -> Iterator[None]:
    # multiprocessing would import the script of this command, and with it Hydra, in every child.
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def signals_blocked() -> Iterator[None]:
    """Hold back stop signals while a child is started.

    They stay blocked until the child has handlers of its own, and for ever in the fork server: a signal to the whole group is
    not for them.
    """
    resource_tracker.ensure_running()  # its start, which would be in the first child's, unblocks SIGINT and SIGTERM
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


class SignalReceived(BaseException):
    """A stop signal to this process.

    Args:
        number: The signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def signals_raised() -> Iterator[None]:
    """Raise `SignalReceived` at the first stop signal; the following ones are ignored."""

    def receive(number: int, frame: FrameType | None) -> None:
        for again in before:
            signal.signal(again, signal.SIG_IGN)  # the children receive the signal already
        raise SignalReceived(number)

    before = {number: signal.getsignal(number) for number in stop_signals()}
    try:
        for number in before:
            signal.signal(number, receive)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def exit_code(process: BaseProcess) -> int | None:
    """Return the exit code of a child, negative if a signal ended it; None while it lives.

    Args:
        process: The child.
    """
    code = process.exitcode
    return -signal.SIGKILL if code == SERVER_DIED else code


def described_end(code: int) -> str:
    """Return in words how a child ended: "was killed by signal 9", "ended with exit code 1".

    Args:
        code: What `exit_code` returned.
    """
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


def stop_children(processes: Sequence[BaseProcess], number: int, grace: float = GRACE) -> None:
    """Ask children to save and end, wait for them, and kill those that have not ended after some time.

    Args:
        processes: The children.
        number: The signal that they receive.
        grace: The time, seconds.
    """
    for process in processes:
        if process.exitcode is None and process.pid is not None:
            os.kill(process.pid, number)
    deadline = time.monotonic() + grace
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
        if process.exitcode is None:
            process.kill()
            process.join()
