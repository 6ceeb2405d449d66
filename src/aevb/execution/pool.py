"""A run as a child process: one worker, or one rank per device (aevb.execution.local_ranks).

Lightning must not start ranks itself: it would repeat the command line, and with it the whole sweep. The child lives no
longer than its parent, hears the signals that its parent gets, and tells itself why it failed.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from aevb.execution.forkserver import AVAILABLE, FOLDER, Forked, Server
from aevb.execution.lifetime import LAUNCHER, PARENT
from aevb.execution.scratch import scratch

__all__ = ["GRACE", "WorkerCommand", "run_worker", "run_workers", "threads"]

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
GRACE = 60.0  # seconds for a child that was told to stop: aevb.execution.local_ranks gives its own 30 of them to save

# What a surrounding torchrun, or a script that once used one, would tell the child about ranks that are not its own.
FOREIGN = ("LOCAL_RANK", "RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "NODE_RANK", "GROUP_RANK", "GROUP_WORLD_SIZE")
FOREIGN_PREFIXES = ("MASTER_", "ROLE_", "TORCHELASTIC_", "PET_")

Child = subprocess.Popen[bytes] | Forked


class WorkerCommand(NamedTuple):
    """What a child does: `python -m` and the words of `module`.

    cores: that it keeps busy. threads: of its linear algebra, or of each of its ranks'. forkable: on no device that might
    have been opened before it is forked.
    """

    module: list[str]
    cores: int
    threads: int
    forkable: bool = False

    @staticmethod
    def of(directory: Path, settings: dict[str, Any], trusted: tuple[str, ...]) -> "WorkerCommand":
        """Executing the run in `directory`. trusted: users' modules that its config may name."""
        trainer = settings["trainer"]
        devices, threads = trainer["devices"], trainer["threads"]
        on_cpu = trainer["accelerator"] == "cpu"
        ranks = ["aevb.execution.worker"] if devices == 1 else ["aevb.execution.local_ranks", str(devices)]
        more = [argument for name in trusted for argument in ("--trust", name)]
        if devices > 1 and on_cpu and AVAILABLE:
            more.append("--fork")
        # Nobody knows how many runs fit on a GPU: it is given to one after another.
        cores = devices * threads if on_cpu else sys.maxsize
        return WorkerCommand([*ranks, str(directory), *more], cores, threads, forkable=on_cpu)

    @staticmethod
    def together(works: "list[WorkerCommand]") -> "WorkerCommand":
        """Several runs on one device each in one process (aevb.execution.ensemble_worker)."""
        first = works[0]
        if len(works) == 1:
            return first
        return first._replace(
            module=["aevb.execution.ensemble_worker", *(work.module[1] for work in works), *first.module[2:]]
        )


def threads(count: int) -> dict[str, str]:
    """The environment of a process with so many threads of linear algebra, which reads it once, when it is loaded."""
    return dict.fromkeys(THREADS, str(count))


def run_worker(work: WorkerCommand) -> int:
    """One child; its exit code, below zero if a signal ended it. As `run_workers`."""
    ((_, code),) = run_workers([work], 1)
    return code


def run_workers(works: Sequence[WorkerCommand], cores: int) -> Iterator[tuple[int, int]]:
    """Children, as many at a time as fit on `cores` and one at least; place and exit code of each as it ends.

    Several of a kind are forked from one process that has loaded what they need (aevb.execution.forkserver), where that can be done.
    SIGTERM and SIGINT are passed on to all; when they have saved and gone, SystemExit(128 + signal) is raised, whatever they
    answered.
    """
    waiting, running = deque(enumerate(works)), dict[int, Child]()
    with _signals_raise(), _Starting(works) as starting:
        try:
            while waiting or running:
                while waiting and (
                    not running or sum(works[place].cores for place in running) + waiting[0][1].cores <= cores
                ):
                    place, next_ = waiting.popleft()
                    running[place] = starting.start(next_)
                for place, code in _ended(running):
                    del running[place]
                    for number in (signal.SIGTERM, signal.SIGINT):
                        if code in (
                            -number,
                            128 + number,
                        ):  # it alone was told; nobody wants the rest of a sweep after it
                            raise _Signal(number)
                    yield place, code
        except _Signal as caught:
            _end(list(running.values()), caught.number)
            raise SystemExit(128 + caught.number) from None
        except BaseException:
            _end(list(running.values()), signal.SIGTERM)
            raise


class _Starting:
    """Starts children; keeps, until it is left, the servers that fork them."""

    def __init__(self, works: Sequence[WorkerCommand]) -> None:
        self._common = Counter(work.threads for work in works if work.forkable)
        self._kept = ExitStack()
        self._folder: Path | None = None
        self._served: set[int] = set()

    def __enter__(self) -> "_Starting":
        return self

    def __exit__(self, *error: object) -> None:
        self._kept.close()

    def start(self, work: WorkerCommand) -> Child:
        """Begins it in an environment of its own."""
        foreign = {name for name in os.environ if name in FOREIGN or name.startswith(FOREIGN_PREFIXES)}
        environment = {name: value for name, value in os.environ.items() if name not in (*foreign, LAUNCHER)}
        environment |= {PARENT: str(os.getpid()), **threads(work.threads)}
        if work.forkable:
            child = Forked.of(environment[FOLDER], work.module, environment) if FOLDER in environment else None
            child = child or self._forked(work, environment)
            if child is not None:
                return child
        # A session of its own: Ctrl-C in a terminal goes to everyone in the foreground, and shall arrive once.
        return subprocess.Popen([sys.executable, "-m", *work.module], env=environment, start_new_session=True)

    def _forked(self, work: WorkerCommand, environment: dict[str, str]) -> Forked | None:
        """By a server of its own for so many threads, if several children have use for it."""
        if self._common[work.threads] < 2:
            return None
        self._folder = self._folder or self._kept.enter_context(scratch())
        if work.threads not in self._served:
            self._served.add(work.threads)
            with suppress(OSError):  # a folder whose name is too long for a socket
                self._kept.callback(Server(self._folder, environment).close)
        return Forked.of(self._folder, work.module, environment)


def _ended(running: dict[int, Child]) -> list[tuple[int, int]]:
    """Waits until a child has ended; places and exit codes."""
    if len(running) == 1:
        ((place, child),) = running.items()
        return [(place, child.wait())]
    while True:
        ended = [(place, code) for place, child in running.items() if (code := child.poll()) is not None]
        if ended:
            return ended
        time.sleep(0.05)


class _Signal(BaseException):
    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def _signals_raise() -> Iterator[None]:
    def hear(number: int, frame: FrameType | None) -> None:
        for again in before:
            signal.signal(again, signal.SIG_IGN)  # the child is being told already
        raise _Signal(number)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        for number in before:
            signal.signal(number, hear)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(children: list[Child], number: int) -> None:
    for child in children:
        child.send_signal(number)
    deadline = time.monotonic() + GRACE
    for child in children:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
