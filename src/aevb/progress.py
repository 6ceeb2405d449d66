"""Progress that people can read: a bar with rate and time left on a terminal, silence elsewhere."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

__all__ = ["Bar", "bar"]


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
    if not (shown and console.is_terminal):
        yield _Silence()
        return
    with _display.open(console) as progress:
        yield _RichBar(progress, progress.add_task(description, total=total, completed=completed, unit=unit))
