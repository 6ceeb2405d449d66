"""Progress that people can read: a bar with rate and time left on a terminal, silence elsewhere."""

import json
import os
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

__all__ = ["Bar", "bar", "show_child_bars"]

BARS = "AEVB_BARS"  # environment variable: the folder in which child processes tell of their bars


class Bar(Protocol):
    """Something that is told how far the work has come."""

    def advance(self, count: int) -> None:
        """`count` more units are done."""

    def describe(self, text: str) -> None:
        """Replaces the words before the bar."""


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} {task.fields['unit']}/s", style="progress.data.speed")


class _Silence:
    def advance(self, count: int) -> None:
        pass

    def describe(self, text: str) -> None:
        pass


class _RemoteBar:
    """Tells the process that is `show_child_bars`, a few times a second."""

    def __init__(self, folder: Path, total: int, description: str, unit: str, completed: int) -> None:
        self.path = folder / f"{os.getpid()}-{threading.get_ident()}.json"
        self.state: dict[str, Any] = {"description": description, "total": total, "completed": completed, "unit": unit}
        self.told = 0.0

    def __enter__(self) -> "_RemoteBar":
        return self

    def __exit__(self, *error: object) -> None:
        self.path.unlink(missing_ok=True)

    def advance(self, count: int) -> None:
        self.state["completed"] += count
        self._tell()

    def describe(self, text: str) -> None:
        self.state["description"] = text
        self._tell()

    def _tell(self) -> None:
        if time.monotonic() - self.told < 0.25:
            return
        self.told = time.monotonic()
        staged = self.path.with_suffix(".new")
        with suppress(OSError):  # a picture of the work is not the work
            staged.write_text(json.dumps(self.state))
            staged.replace(self.path)


class _RichBar:
    def __init__(self, progress: Progress, task: int) -> None:
        self.progress, self.task = progress, task

    def advance(self, count: int) -> None:
        self.progress.advance(self.task, count)  # type: ignore[arg-type]

    def describe(self, text: str) -> None:
        self.progress.update(self.task, description=text)  # type: ignore[arg-type]


class _Display:
    """What a terminal shows: one at a time, with a line for every bar that is open; runs in threads share it."""

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
    """A progress bar over `total` units on standard error, of which `completed` are done already.

    Refreshed by time, not by step, so that it costs the work nothing; drawn if `shown` and standard error is a terminal.
    """
    console = Console(stderr=True)
    folder = os.environ.get(BARS)
    if shown and folder is not None:
        with _RemoteBar(Path(folder), total, description, unit, completed) as remote:
            yield remote
        return
    if not (shown and console.is_terminal):
        yield _Silence()
        return
    with _display.open(console) as progress:
        yield _RichBar(progress, progress.add_task(description, total=total, completed=completed, unit=unit))


@contextmanager
def show_child_bars() -> Iterator[None]:
    """While this holds, the bars of child processes are drawn by this one, together."""
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
            told = {path.name: path.read_text() for path in folder.glob("*.json")}
            for name, text in told.items():
                state = json.loads(text)
                if name not in tasks:
                    tasks[name] = progress.add_task(state.pop("description"), **state)
                else:
                    completed, description = state["completed"], state["description"]
                    progress.update(tasks[name], completed=completed, description=description)
            for name in tasks.keys() - told.keys():
                progress.remove_task(tasks.pop(name))
