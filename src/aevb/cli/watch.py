"""aevb-status --watch: the runs of a sweep while they are trained, by whichever processes, read from their directories."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aevb.cli.tables import COLOURS
from aevb.console.duration import duration
from aevb.console.keys import Keys
from aevb.console.printable import printable
from aevb.runs.status import Row

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

__all__ = ["REFRESH_SECONDS", "Summary", "watch"]

REFRESH_SECONDS = 2.0
"""Between two updates, on a terminal; elsewhere LINE_SECONDS."""

IDLE_SECONDS = 300.0
"""Without a run that is trained, after one was: then the sweep was interrupted."""

WIDE = 100
"""Columns of a terminal from which on every run has a bar and its budget."""

BAR = 16
"""Columns of such a bar."""

LINES = 20
"""Runs that are named at a time where there is no terminal."""

ORDER = {state: rank for rank, state in enumerate(("running", "failed", "diverged", "partial", "missing", "done"))}

ENDED = {"done", "diverged", "failed"}


def watch(look: Callable[[], list[Row]], interval: float | None) -> int:
    """Show runs until all of them are done or have failed.

    Args:
        look: Returns their rows as they are now.
        interval: Seconds between two updates; None: 2 on a terminal, 30 elsewhere.

    Returns:
        The exit code: 0, also after the key q; 130 after Ctrl-C, which ends quietly.
    """
    from rich.console import Console  # here, so that --help and errors do not load it

    console = Console()
    try:
        return _on_terminal(console, look, interval) if console.is_terminal else _as_lines(look, interval)
    except KeyboardInterrupt:
        return 130


@dataclass(frozen=True)
class Summary:
    """What a set of runs has come to.

    Attributes:
        counts: Number of runs by state, without states that no run is in.
        samples_seen: Samples of all runs.
        max_samples: Their budget.
        samples_per_second: The rate of those that are running.
    """

    counts: dict[str, int]
    samples_seen: int
    max_samples: int
    samples_per_second: float

    @classmethod
    def of(cls, rows: list[Row]) -> "Summary":
        """Add up the rows.

        Args:
            rows: The rows of the runs.

        Returns:
            The summary.
        """
        counts = {state: sum(item.state == state for item in rows) for state in COLOURS}
        seen = sum(min(item.samples_seen, item.max_samples) for item in rows)
        rate = sum(item.samples_per_second or 0.0 for item in rows if item.state == "running")
        present = {state: count for state, count in counts.items() if count}
        return cls(present, seen, sum(item.max_samples for item in rows), rate)

    @property
    def ended(self) -> bool:
        """Whether there are runs, and every one is done, has diverged or has failed."""
        return bool(self.counts) and not self.counts.keys() - ENDED

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {state}" for state, count in self.counts.items())
        share = f"{self.samples_seen / self.max_samples:.0%} of the samples" if self.max_samples else ""
        left = _left(self.max_samples - self.samples_seen, self.samples_per_second)
        rate = f"{self.samples_per_second:,.0f} samples/s" if self.samples_per_second else ""
        return ", ".join(filter(None, (counts or "no runs yet", share, rate, left and f"{left} left at this rate")))


def _left(samples: int, rate: float | None) -> str:
    return duration(samples / rate) if rate and samples > 0 else ""


class _Idle:
    """Whether no run has been trained for IDLE_SECONDS, after one was."""

    def __init__(self) -> None:
        self.last: float | None = None

    def __call__(self, summary: Summary) -> bool:
        now = time.monotonic()
        if "running" in summary.counts:
            self.last = now
        return self.last is not None and now - self.last > IDLE_SECONDS


def _on_terminal(console: "Console", look: Callable[[], list[Row]], interval: float | None) -> int:
    from rich.live import Live

    idle = _Idle()
    with Keys() as keys, Live(console=console, auto_refresh=False) as live:
        while True:
            rows = look()
            summary = Summary.of(rows)
            live.update(_picture(rows, summary, console), refresh=True)
            if summary.ended or idle(summary) or keys.pressed("q", interval or REFRESH_SECONDS):
                return 0


def _picture(rows: list[Row], summary: Summary, console: "Console") -> "RenderableType":
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    shown = sorted(rows, key=lambda item: ORDER[item.state])[: max(1, console.size.height - 5)]
    rest = len(rows) - len(shown)
    parts: list[RenderableType] = [_table(shown, rows, console.size.width)]
    if rest:
        parts.append(Text(f"and {rest:,} more", style="dim"))
    if not summary.ended and "running" not in summary.counts:
        parts.append(Text("no run is trained at present; q or Ctrl-C ends this display", style="dim"))
    parts += [Text(str(summary)), ProgressBar(max(summary.max_samples, 1), summary.samples_seen, width=60)]
    return Group(*parts)


def _table(shown: list[Row], rows: list[Row], width: int) -> "RenderableType":
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    wide, folder = width >= WIDE, _common_folder(rows)
    heads = ["point" if any(item.point for item in rows) else "run", "state", "samples", "bound", "samples/s", "left"]
    lines = [[printable(cell) for cell in _cells(item, folder, wide)] for item in shown]
    widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
    # The numbers are shown in full, then the name, and why a run has failed as far as there is room.
    room = width - sum(widths[1:-1]) - 2 * len(heads) - (BAR + 2 if wide else 0)
    running = [line[-1] for line, item in zip(lines, shown, strict=True) if item.state == "running"]
    widths[0] = max(1, min(widths[0], room - max(map(len, [heads[-1], *running]))))
    widths[-1] = max(1, min(widths[-1], room - widths[0]))
    table = Table(box=None, pad_edge=False)
    for index, (head, size) in enumerate(zip(heads, widths, strict=True)):
        if wide and index == 2:
            table.add_column("", width=BAR)
        table.add_column(head, width=size, no_wrap=True, justify="right" if 2 <= index < 5 else "left")
    for (name, *cells), item in zip(lines, shown, strict=True):
        if len(name) > widths[0]:
            name = f"…{name[len(name) - widths[0] + 1 :]}"  # the ends of the names differ
        bar = ProgressBar(max(item.max_samples, 1), min(item.samples_seen, item.max_samples), width=BAR)
        texts = [Text(cell, no_wrap=True, overflow="ellipsis") for cell in (name, *cells)]
        table.add_row(*texts[:2], *([bar] if wide else []), *texts[2:], style=COLOURS[item.state])
    return table


def _cells(item: Row, folder: str, wide: bool) -> list[str]:
    samples, *numbers = _numbers(item)
    if not wide:
        samples = f"{item.samples_seen:,} ({item.samples_seen / max(item.max_samples, 1):.0%})"
    return [item.point or item.run.removeprefix(folder), item.state, samples, *numbers]


def _numbers(item: Row) -> tuple[str, str, str, str]:
    """Samples, bound, rate and time left; why a run has failed stands in the last one."""
    bound = "" if item.train_bound is None else f"{item.train_bound:,.2f}"
    samples = f"{item.samples_seen:,} of {item.max_samples:,}"
    if item.state != "running":
        return samples, bound, "", item.why
    if item.samples_seen >= item.max_samples:
        return samples, bound, "", "evaluating"
    rate = f"{item.samples_per_second:,.0f}" if item.samples_per_second else ""
    return samples, bound, rate, _left(item.max_samples - item.samples_seen, item.samples_per_second)


def _common_folder(rows: list[Row]) -> str:
    folders = {item.run.rpartition("/")[0] for item in rows}
    return f"{folders.pop()}/" if len(folders) == 1 else ""


def _as_lines(look: Callable[[], list[Row]], interval: float | None) -> int:
    from aevb.console.progress import LINE_SECONDS  # here, with rich

    idle = _Idle()
    before: dict[str, str] | None = None  # run -> state; None at the first look, which names no run for having ended
    while True:
        rows = look()
        ended = [item for item in rows if before is not None and _has_ended(item, before.get(item.run))]
        running = [item for item in rows if item.state == "running"]
        for item in (ended + running)[:LINES]:
            print(_line(item))
        if len(ended) + len(running) > LINES:
            print(f"and {len(ended) + len(running) - LINES:,} more")
        summary = Summary.of(rows)
        print(summary, flush=True)
        if summary.ended or idle(summary):
            return 0
        before = {item.run: item.state for item in rows}
        time.sleep(interval or LINE_SECONDS)


def _has_ended(item: Row, state_before: str | None) -> bool:
    return item.state in ENDED and item.state != state_before


def _line(item: Row) -> str:
    samples, bound, rate, left = _numbers(item)
    numbers = (samples, bound and f"bound {bound}", rate and f"{rate} samples/s", left and f"{left}{_unit(item, left)}")
    return printable(f"{item.run}: {item.state}, {', '.join(filter(None, numbers))}")


def _unit(item: Row, left: str) -> str:
    return " left" if item.state == "running" and left != "evaluating" else ""
