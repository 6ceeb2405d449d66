"""How far runs have come, as a table: done, running, partial, failed, missing. Read from run directories, without torch."""

import csv
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from yaml import YAMLError

from aevb.errors import UserError
from aevb.lock import held
from aevb.runs import read_settings, state

__all__ = ["Row", "found", "last_words", "row", "show"]

COLOURS = {"done": "green", "running": "cyan", "partial": "yellow", "failed": "red", "missing": "magenta"}


@dataclass(frozen=True)
class Row:
    """One run.

    point: of the sweep it belongs to, if known. samples_seen: by its metrics. max_samples: its budget. why: it is not done.
    """

    run: str
    state: Literal["done", "running", "partial", "failed", "missing"]
    samples_seen: int = 0
    max_samples: int = 0
    why: str = ""
    point: str = ""


def found(runs: Path) -> list[Row]:
    """Every run at or below `runs`, by path; raises UserError if there is none."""
    directories = sorted(path.parent for path in runs.rglob("config.yaml"))
    if not directories:
        reason = "no runs in it" if runs.is_dir() else "no such folder"
        raise UserError(
            f"{runs}: {reason}; allowed: a folder with runs; try: aevb-train, which makes them in outputs/runs"
        )
    return [row(directory) for directory in directories]


def row(directory: Path, max_samples: int | None = None, point: str = "", why: str = "") -> Row:
    """How far the run in `directory` has come.

    max_samples: what is wanted of it, if more than its own config says. why: of an end that has left no FAILED.
    """
    before = state(directory)
    if before == "missing":
        return Row(str(directory), "missing", 0, max_samples or 0, why, point)
    try:
        budget = int(read_settings(directory)["max_samples"])
        seen = _samples_seen(directory)
    except (UserError, YAMLError, KeyError, ValueError, TypeError, OSError) as error:
        return Row(str(directory), "failed", 0, max_samples or 0, " ".join(f"damaged: {error}".split()), point)
    wanted = max_samples or budget
    if held(directory):
        return Row(str(directory), "running", seen, wanted, "", point)
    if before == "done":
        short = seen < wanted
        return Row(str(directory), "partial" if short else "done", seen, wanted, why if short else "", point)
    if before == "failed":
        why = last_words(directory) or why
    return Row(str(directory), before, seen, wanted, why, point)


def _samples_seen(directory: Path) -> int:
    if (directory / "DONE").is_file():
        return int(json.loads((directory / "DONE").read_text())["samples_seen"])
    with suppress(FileNotFoundError), (directory / "metrics.csv").open(newline="") as file:
        return max((int(line["samples_seen"]) for line in csv.DictReader(file)), default=0)
    return 0


def last_words(directory: Path) -> str:
    """The last line of FAILED, which says why the run in `directory` did; empty where there is none."""
    try:
        text = (directory / "FAILED").read_text(errors="replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("aevb.errors.UserError: ") if lines else ""


def show(rows: list[Row], as_json: bool = False) -> None:
    """Prints the rows: a table on a terminal, plain columns elsewhere."""
    if as_json:
        print(json.dumps([asdict(item) for item in rows], indent=2))
        return
    from rich.console import Console  # here: whoever only asks for help, or is refused, does not wait for it
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    heads = ["run", "state", "samples", "of", "", "why"]
    if any(item.point for item in rows):
        heads.insert(0, "point")
    lines = [_cells(item)[-len(heads) :] for item in rows]
    if console.is_terminal:
        table = Table(*heads)
        for item, cells in zip(rows, lines, strict=True):
            table.add_row(*map(escape, cells), style=COLOURS[item.state])
        console.print(table)
    else:
        widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
        for cells in [heads, *lines]:
            print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())
    counts: dict[str, Any] = {name: sum(item.state == name for item in rows) for name in COLOURS}
    print(", ".join(f"{count} {name}" for name, count in counts.items() if count), flush=True)


def _cells(item: Row) -> list[str]:
    part = f"{min(1.0, item.samples_seen / item.max_samples):.0%}" if item.max_samples else ""
    numbers = [f"{item.samples_seen:,}", f"{item.max_samples:,}", part]
    return [item.point, item.run, item.state, *numbers, item.why]
