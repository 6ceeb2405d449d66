"""The rows of the newest committed records of the benchmarks, `results/benchmarks/<day>-<commit>.json`, as tables."""

import json
from typing import Any

from sitegen.markdown import table
from sitegen.repository import REPOSITORY

__all__ = ["benchmark_table", "newest_records"]


def newest_records() -> list[dict[str, Any]]:
    """Return the latest record of each number of threads on each processor, one thread first; one that has several is there once."""
    files = (REPOSITORY / "results" / "benchmarks").glob("*.json")
    read = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    newest: dict[tuple[int, str], dict[str, Any]] = {}
    for record in sorted(read, key=lambda record: str(record["machine"]["time"])):
        ratios = (row for row in record["rows"] if row["threads"] and row["median"] is not None)
        newest |= {(row["threads"], record["machine"]["processor"]): record for row in ratios}
    return list({id(record): record for _, record in sorted(newest.items(), key=lambda item: item[0])}.values())


def benchmark_table() -> str:
    """Return what was measured, on what, and a line for every ratio that was measured."""
    return "\n\n".join(map(_text, newest_records()))


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
