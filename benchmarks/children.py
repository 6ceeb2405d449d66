"""The processes that are measured: methods that take turns, and commands that are run from start to end.

Their standard error is a terminal (a pseudo-terminal that somebody reads), so that bars are drawn as before a person's eyes.
"""

import json
import os
import pty
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from aevb.errors import UserError
from benchmarks.benchmark_model import BenchmarkModel

__all__ = ["ROOT", "Method", "Seconds", "cores", "execute", "pinned", "terminal"]

ROOT = Path(__file__).resolve().parents[1]
REMEMBERED = 1 << 16  # characters of a child's terminal, for when it fails


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Terminal:
    def __init__(self) -> None:
        self.text = b""
        self._master, self.slave = pty.openpty()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with suppress(OSError):  # the error of a read whose other side is closed
            while chunk := os.read(self._master, 1 << 14):
                self.text = (self.text + chunk)[-REMEMBERED:]

    def close(self) -> str:
        os.close(self.slave)
        self._reader.join(5)
        os.close(self._master)
        return self.text.decode(errors="replace")


@contextmanager
def terminal() -> Iterator[_Terminal]:
    """A pseudo-terminal; `slave` is for a child's standard error, `text` what has come of it."""
    one = _Terminal()
    try:
        yield one
    finally:
        one.close()


def _environment(threads: int, gpu: bool) -> dict[str, str]:
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    chosen = {**os.environ, **dict.fromkeys(names, str(threads)), "PYTHONPATH": path, "TERM": "xterm"}
    return chosen if gpu else {**chosen, "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}


@contextmanager
def pinned(threads: int) -> Iterator[None]:
    """Children started inside may use `threads` processors only, always the same, where the system can do that: processors differ
    by what else their machine does, and a ratio is of two turns. The last ones, since the first serves most interrupts."""
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    try:
        if before is not None:
            os.sched_setaffinity(0, sorted(before)[-threads:])
        yield
    finally:
        if before is not None:
            os.sched_setaffinity(0, before)


def _failed(what: str, output: str) -> UserError:
    """All that a child said goes to standard error, its last line into the exception."""
    lines = output.replace("\r", "").rstrip().splitlines() or ["it said nothing"]
    print(*lines, sep="\n", file=sys.stderr)
    return UserError(f"{what}: {lines[-1].strip()}")


class Method:
    """A rival in its own process, waiting for its turns.

    Starting returns at once; the first turn waits for the method to be set up and takes a turn that is not counted. threads:
    that it may compute with, and processors that it is kept to (JAX knows no number of threads), unless it is at work on a GPU.
    """

    def __init__(self, name: str, spec: BenchmarkModel, threads: int = 1, gpu: bool = False) -> None:
        self.name = name
        self.facts: dict[str, Any] = {}
        self._open = self._warm = False
        self._terminal = _Terminal()
        command = [sys.executable, "-m", "benchmarks.member", name, json.dumps(asdict(spec)), str(threads)]
        with nullcontext() if gpu else pinned(threads):
            self._process = subprocess.Popen(
                command,
                env=_environment(threads, gpu),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._terminal.slave,
                text=True,
            )

    def take_turn(self) -> float:
        """Seconds per step of one turn."""
        if not self._warm:
            self.ready()
            self._ask()
            self._warm = True
        self.facts = self._ask()
        return self.facts["seconds"] / self.facts["steps"]

    def ready(self) -> None:
        """Waits until it is set up."""
        if not self._open:
            self._answer()
            self._open = True

    def _ask(self) -> dict[str, Any]:
        assert self._process.stdin
        with suppress(BrokenPipeError):  # it has died: the answer says of what
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {}
        if not line or "error" in answer:
            output = self.close()
            raise (
                UserError(answer["error"])
                if "error" in answer
                else _failed(f"{self.name}: its process ended by itself", output)
            )
        return answer

    def close(self) -> str:
        """Ends the process; returns what it said."""
        if self._process.stdin and not self._process.stdin.closed:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            if self._process.stdout:
                self._process.stdout.close()
            self._terminal.close()
        return self._terminal.text.decode(errors="replace")


class Seconds(NamedTuple):
    """wall: from start to end of a command. output: its standard output."""

    wall: float
    output: str


def execute(
    command: Sequence[str], threads: int = 1, code: int = 0, gpu: bool = False, env: dict[str, str] | None = None
) -> Seconds:
    """Runs a Python command, arguments after the interpreter, to its end, which must be the exit code `code`."""
    with terminal() as screen:
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *command],
            env={**_environment(threads, gpu), **(env or {})},
            stdout=subprocess.PIPE,
            stderr=screen.slave,
            text=True,
        )
        try:
            output, _ = process.communicate()
            wall = time.perf_counter() - start
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        if process.returncode != code:
            what = f"{' '.join(command)}: exit code {process.returncode} instead of {code}"
            raise _failed(what, screen.text.decode(errors="replace"))
        return Seconds(wall, output)
