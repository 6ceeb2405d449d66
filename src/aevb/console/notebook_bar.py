"""A progress bar in the output of a notebook's cell: HTML that replaces itself, so no widgets have to be installed."""

import time
from html import escape

from aevb.console.counts import rate_text
from aevb.console.duration import duration

__all__ = ["NotebookBar"]

REFRESH = 0.25
"""Seconds between two pictures of the bar."""


class NotebookBar:
    """A bar that is shown while it is entered, and left as it ended.

    Args:
        total: Units of work in all.
        description: The text before the bar.
        unit: What is counted.
        completed: Units that are done already.
    """

    def __init__(self, total: int, description: str, unit: str, completed: int) -> None:
        self.total, self.description, self.unit = total, description, unit
        self.completed = self.first = completed
        self.start = self.shown = time.monotonic()

    def __enter__(self) -> "NotebookBar":
        from IPython.display import display

        self._handle = display(self, display_id=True)  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: object) -> None:
        self._handle.update(self)

    def advance(self, count: int) -> None:
        """Add `count` units to those that are done.

        Args:
            count: The number of units that were done.
        """
        self.completed += count
        self._refresh()

    def describe(self, text: str) -> None:
        """Replace the text before the bar.

        Args:
            text: The text.
        """
        self.description = text
        self._refresh()

    def _refresh(self) -> None:
        now = time.monotonic()
        if now - self.shown >= REFRESH:
            self.shown = now
            self._handle.update(self)

    def _numbers(self) -> str:
        seconds = time.monotonic() - self.start
        rate = (self.completed - self.first) / seconds if seconds > 0 else 0.0
        done = f"{self.completed:,} of {self.total:,} {self.unit}"
        if rate <= 0:
            return done
        left = (self.total - self.completed) / rate
        ending = f"{duration(left)} left" if left > 0 else duration(seconds)
        return f"{done}, {rate_text(rate)} {self.unit}/s, {ending}"

    def __repr__(self) -> str:
        return f"{self.description}: {self._numbers()}"

    def _repr_html_(self) -> str:
        bar = f'<progress value="{self.completed}" max="{self.total}" style="vertical-align: middle"></progress>'
        return f"<div>{escape(self.description)} {bar} {escape(self._numbers())}</div>"
