"""The tables: on the terminal, as JSON, as Markdown."""

from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from aevb.figures.common.base import markdown_table
from benchmarks.results import Row, Speed

__all__ = ["console", "markdown", "setting", "show"]

WIDTH = 150
COLOURS = {"met": "green", "missed": "red", "not measured": "yellow", "": "white"}


def _number(value: float, unit: str) -> str:
    return f"{value:.1f}" if unit == "µs" or value >= 100 else f"{value:.3g}"


def _row(row: Row) -> dict[str, str]:
    measured = ""
    if row.values:
        median, low, high = (_number(value, row.unit) for value in (row.median, min(row.values), max(row.values)))
        measured = f"{median} {row.unit} [{low}, {high}]"
    words = f"{row.what} ({row.note})" if row.note else row.what
    threads = "" if row.threads is None else str(row.threads)
    goal = "" if row.goal is None else str(row.goal)
    return {"what": words, "threads": threads, "goal": goal, "median [range]": measured, "verdict": row.verdict}


def _speed(speed: Speed, batch_size: int) -> dict[str, str]:
    # per: a step, an image, a command
    low, median, high = (f"{1e3 * value:.3g}" for value in (min(speed.seconds), speed.median, max(speed.seconds)))
    per_second = f"{batch_size / speed.median:,.0f}" if speed.per == "step" else ""
    threads = "" if speed.threads is None else str(speed.threads)
    return {
        "method": f"{speed.group}: {speed.method}",
        "threads": threads,
        "ms [range]": f"{median} [{low}, {high}] {speed.per}",
        "samples/s": per_second,
    }


def _tables(record: dict[str, Any], rows: list[Row], speeds: list[Speed]) -> list[list[dict[str, str]]]:
    lines = [[_row(row) for row in rows], [_speed(speed, record["recipe"]["batch_size"]) for speed in speeds]]
    return [table for table in lines if table]


def setting(record: dict[str, Any]) -> str:
    """One paragraph: what was measured, on what."""
    machine, spec = record["machine"], record["recipe"]
    versions = ", ".join(f"{name} {value}" for name, value in machine["versions"].items() if value)
    rough = "ROUGH (short turns, few rounds). " if record["quick"] else ""
    return (
        f"{rough}{spec['model']}, M = {spec['batch_size']}, Adagrad, data {spec['data']} ({spec['targets']}), seed "
        f"{spec['seed']}; {record['rounds']} rounds, median [range] of what was found in each. {machine['processor']}, "
        f"{machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}; {versions}; commit {machine['commit']}; "
        f"{machine['time']}. Load of the machine when it began {record['load']['begin']}, when it ended {record['load']['end']}."
    )


def console() -> Console:
    """Standard output, wide enough for a table where it is no terminal."""
    out = Console()
    return out if out.is_terminal else Console(width=WIDTH)


def show(record: dict[str, Any], rows: list[Row], speeds: list[Speed]) -> None:
    """Prints the tables."""
    out = console()
    for lines in _tables(record, rows, speeds):
        table = Table(*lines[0], box=box.SIMPLE)
        for line in lines:
            table.add_row(*map(escape, line.values()), style=COLOURS[line.get("verdict", "")])
        out.print(table)
    out.print(escape(setting(record)), style="dim", highlight=False)


def markdown(record: dict[str, Any], rows: list[Row], speeds: list[Speed]) -> str:
    """The same for docs/."""
    tables = [markdown_table(lines) for lines in _tables(record, rows, speeds)]
    return "\n".join([f"`{record['command']}`", "", setting(record), "", "\n\n".join(tables), ""])
