"""Progress of long work on standard error: a bar on a terminal, and elsewhere a line now and then."""

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from aevb.console.counts import rate_text
from aevb.console.duration import duration
from aevb.console.environment import BARS, NO_BARS
from aevb.console.notebook_bar import NotebookBar

__all__ = ["LINE_SECONDS", "Bar", "bar", "show_child_bars", "without_bars"]

LINE_SECONDS = 30.0
"""Between two lines where standard error is no terminal."""


class Bar(Protocol):
    """The progress of some work, as the work reports it."""

    def advance(self, count: int) -> None:
        """Advance the bar.

        Args:
            count: The number of units that were done.
        """

    def describe(self, text: str) -> None:
        """Replace the text before the bar.

        Args:
            text: The text.
        """


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{rate_text(speed)} {task.fields['unit']}/s", style="progress.data.speed")


class _NoBar:
    def advance(self, count: int) -> None:
        pass

    def describe(self, text: str) -> None:
        pass


class _Lines:
    """Writes a line every LINE_SECONDS: what is done, the rate since the start, the time left."""

    def __init__(self, total: int, description: str, unit: str, completed: int) -> None:
        self.total, self.description, self.unit = total, description, unit
        self.completed = self.first = completed
        self.start = self.last = time.monotonic()

    def advance(self, count: int) -> None:
        self.completed += count
        now = time.monotonic()
        if now - self.last < LINE_SECONDS:
            return
        self.last = now
        rate = (self.completed - self.first) / (now - self.start)
        left = f", {duration(max(0, self.total - self.completed) / rate)} left" if rate > 0 else ""
        done = f"{self.completed:,} of {self.total:,} {self.unit}"
        with suppress(OSError):  # the reader may have gone; the work continues
            print(f"{self.description}: {done}, {rate_text(rate)} {self.unit}/s{left}", file=sys.stderr, flush=True)

    def describe(self, text: str) -> None:
        self.description = text


class _RemoteBar:
    """Writes its state to a file a few times a second, for the process in `show_child_bars`."""

    def __init__(self, folder: Path, total: int, description: str, unit: str, completed: int) -> None:
        self.path = folder / f"{os.getpid()}-{threading.get_ident()}.json"
        self.state: dict[str, Any] = {"description": description, "total": total, "completed": completed, "unit": unit}
        self.written = 0.0

    def __enter__(self) -> "_RemoteBar":
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(OSError):
            self.path.unlink()

    def advance(self, count: int) -> None:
        self.state["completed"] += count
        self._write()

    def describe(self, text: str) -> None:
        self.state["description"] = text
        self._write()

    def _write(self) -> None:
        if time.monotonic() - self.written < 0.25:
            return
        self.written = time.monotonic()
        staged = self.path.with_suffix(".new")
        with suppress(OSError):  # the bar is not worth ending the work for
            staged.write_text(json.dumps(self.state), encoding="utf-8")
            staged.replace(self.path)


class _RichBar:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self.progress, self.task = progress, task

    def advance(self, count: int) -> None:
        self.progress.advance(self.task, count)

    def describe(self, text: str) -> None:
        self.progress.update(self.task, description=text)


class _Display:
    """The bars that are open in this process, drawn together: a terminal can have one such display, and threads share it."""

    def __init__(self) -> None:
        self.lock, self.users = threading.Lock(), 0

    @contextmanager
    def open(self, console: Console) -> Iterator[Progress]:
        with self.lock:
            if self.users == 0:
                columns = (
                    TextColumn("{task.description}"),
                    BarColumn(),
                    MofNCompleteColumn(),
                    _Rate(),
                    TimeRemainingColumn(),
                )
                self.progress = Progress(*columns, console=console, refresh_per_second=4)
                self.progress.start()
            self.users += 1
        try:
            yield self.progress
        finally:
            with self.lock:
                self.users -= 1
                if self.users == 0:
                    self.progress.stop()


_display = _Display()


@contextmanager
def bar(
    total: int, description: str, unit: str = "samples", completed: int = 0, *, shown: bool = True
) -> Iterator[Bar]:
    """Show the progress of work on standard error, refreshed by time, so that it costs the work nothing.

    Args:
        total: Units of work in all.
        description: The text before the bar.
        unit: What is counted.
        completed: Units that are done already.
        shown: Whether to show anything.

    Yields:
        The bar.
    """
    folder = os.environ.get(BARS)
    if not shown or folder == NO_BARS:
        yield _NoBar()
        return
    if folder is not None:
        with _RemoteBar(Path(folder), total, description, unit, completed) as remote:
            yield remote
        return
    if _in_notebook():
        with NotebookBar(total, description, unit, completed) as shown_bar:
            yield shown_bar
        return
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(total, description, unit, completed)
        return
    with _display.open(console) as progress:
        yield _RichBar(progress, progress.add_task(description, total=total, completed=completed, unit=unit))


def _in_notebook() -> bool:
    # IPython on a terminal is no notebook, and has no kernel.
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


@contextmanager
def without_bars() -> Iterator[None]:
    """Show no progress, in this process and in those that it starts."""
    before = os.environ.get(BARS)
    os.environ[BARS] = NO_BARS
    try:
        yield
    finally:
        del os.environ[BARS]
        if before is not None:
            os.environ[BARS] = before


@contextmanager
def show_child_bars() -> Iterator[None]:
    """Draw the bars of child processes together, if standard error is a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    over = threading.Event()
    with tempfile.TemporaryDirectory(prefix="aevb-bars-", ignore_cleanup_errors=True) as folder:
        os.environ[BARS] = folder
        watcher = threading.Thread(target=_watch, args=(Path(folder), console, over))
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()
            del os.environ[BARS]


def _watch(folder: Path, console: Console, over: threading.Event) -> None:
    with _display.open(console) as progress:
        tasks: dict[str, TaskID] = {}
        while not over.wait(0.25):
            texts = {}
            for path in folder.glob("*.json"):
                with suppress(FileNotFoundError):  # its bar has just been closed
                    texts[path.name] = path.read_text(encoding="utf-8")
            for name, text in texts.items():
                state = json.loads(text)
                if name not in tasks:
                    tasks[name] = progress.add_task(state.pop("description"), **state)
                else:
                    completed, description = state["completed"], state["description"]
                    progress.update(tasks[name], completed=completed, description=description)
            for name in tasks.keys() - texts.keys():
                progress.remove_task(tasks.pop(name))
