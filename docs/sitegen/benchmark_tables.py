"""The rows of the newest committed record of the benchmarks, `results/benchmarks/<day>-<commit>.json`, as a table."""

import json
from typing import Any

from sitegen.markdown import table
from sitegen.repository import REPOSITORY

__all__ = ["benchmark_table", "newest_record"]


def newest_record() -> dict[str, Any]:
    """Return the record with the latest time."""
    files = (REPOSITORY / "results" / "benchmarks").glob("*.json")
    read = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    return max(read, key=lambda record: str(record["machine"]["time"]))


def benchmark_table() -> str:
    """Return what was measured, on what, and a line for every ratio that was measured."""
    return _text(newest_record())


def _text(record: dict[str, Any]) -> str:
    machine, load = record["machine"], record["load"]
    rough = "Rough (short turns). " if record["quick"] else ""
    setting = [
        f"`{record['command']}`",
        "",
        f"{rough}{record['rounds']} rounds, median [range]; {machine['processor']}, {machine['cores']} cores; torch",
        f"{machine['versions']['torch']}; commit {_commit(str(machine['commit']))}; {str(machine['time'])[:10]}. Load of the machine when it",
        f"began {load['begin']}, when it ended {load['end']}.",
    ]
    lines = [_line(row) for row in record["rows"] if row["median"] is not None]
    header = ["what", "threads", "goal", "median [range]", "verdict"]
    return "\n".join([*setting, "", table(header, lines)])


def _commit(commit: str) -> str:
    return commit[:12] + (" with changes" if commit.endswith("-dirty") else "")


def _line(row: dict[str, Any]) -> list[str]:
    goal = row["goal"]
    median, low, high = (f"{row[name]:.3g}" for name in ("median", "low", "high"))
    return [
        row["what"],
        str(row["threads"] or ""),
        "" if goal is None else f"{goal['sense']} {goal['value']:g}",
        f"{median} {row['unit']} [{low}, {high}]",
        row["verdict"],
    ]
