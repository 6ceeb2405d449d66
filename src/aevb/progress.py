"""Progress that people can read: a bar with rate and time left on a terminal, silence elsewhere."""

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
    def __init__(self, unit: str) -> None:
        self.unit = unit
        super().__init__()

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} {self.unit}/s", style="progress.data.speed")


class _RichBar:
    def __init__(self, progress: Progress, task: int) -> None:
        self.progress, self.task = progress, task

    def advance(self, count: int) -> None:
        self.progress.advance(self.task, count)  # type: ignore[arg-type]

    def describe(self, text: str) -> None:
        self.progress.update(self.task, description=text)  # type: ignore[arg-type]


@contextmanager
def bar(
    total: int, description: str, unit: str = "samples", completed: int = 0, *, shown: bool = True
) -> Iterator[Bar]:
    """A progress bar over `total` units on standard error, of which `completed` are done already.

    Refreshed by time, not by step, so that it costs the work nothing; drawn if `shown` and standard error is a terminal.
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(unit),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, disable=not (shown and console.is_terminal), refresh_per_second=4
    ) as progress:
        yield _RichBar(progress, progress.add_task(description, total=total, completed=completed))
