"""Tables of runs on the terminal, and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from aevb.console.printable import printable
from aevb.runs.status import Row

__all__ = ["plain_columns", "show"]


MANY = 500  # rows above which no table is laid out, which takes seconds for thousands
WORDS = ("point", "run", "why")
"""The columns of text; the others are a word or a number."""
COLOURS = {
    "done": "green",
    "running": "cyan",
    "partial": "yellow",
    "diverged": "yellow",
    "failed": "red",
    "missing": "magenta",
}


def show(rows: list[Row], as_json: bool = False) -> None:
    """Print the rows as a table on a terminal, and as plain columns elsewhere.

    Args:
        rows: The rows.
        as_json: Whether to print JSON instead.
    """
    if as_json:
        print(json.dumps([asdict(item) for item in rows], indent=2))
        return
    from rich.console import Console  # here, so that --help and errors do not load it
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    heads = ["run", "state", "samples", "of", "", "why"]
    if any(item.point for item in rows):
        heads.insert(0, "point")
    lines = [_cells(item)[-len(heads) :] for item in rows]
    if console.is_terminal and not any(item.why for item in rows):  # an empty column takes room from the names
        heads, lines = heads[:-1], [cells[:-1] for cells in lines]
    if console.is_terminal and len(rows) <= MANY:
        table = Table()
        for head in heads:  # names and reasons continue in the next line, so that a narrow terminal hides none of them
            table.add_column(head, overflow="fold", no_wrap=head not in WORDS)
        for item, cells in zip(rows, lines, strict=True):
            table.add_row(*map(escape, cells), style=COLOURS[item.state])
        console.print(table)
    else:
        print("\n".join(plain_columns([heads, *lines])))
    counts: dict[str, Any] = {name: sum(item.state == name for item in rows) for name in COLOURS}
    print(", ".join(f"{count} {name}" for name, count in counts.items() if count), flush=True)


def plain_columns(lines: Sequence[Sequence[str]], left: int | None = None) -> list[str]:
    """Lay out a table without lines or colours.

    Args:
        lines: The cells of each line, of which the first has the headings.
        left: How many columns are aligned to the left, the others to the right; None for all.

    Returns:
        The lines of text.
    """
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = [
        [
            cell.ljust(width) if left is None or column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        for cells in lines
    ]
    return ["  ".join(cells).rstrip() for cells in aligned]


def _cells(item: Row) -> list[str]:
    part = f"{min(1.0, item.samples_seen / item.max_samples):.0%}" if item.max_samples else ""
    numbers = [f"{item.samples_seen:,}", f"{item.max_samples:,}", part]
    return [printable(item.point), printable(item.run), item.state, *numbers, printable(item.why)]
