"""The sentence on speed of the README: the newest measurement of each ratio among the committed records of the benchmarks."""

import json
from typing import Any

from sitegen.repository import REPOSITORY

__all__ = ["newest_rows", "readme_speed"]

THREADS = 1
WORDS = {
    "speed of aevb / pytorch/examples style loop": "training is {:.2g} times as fast as the pytorch/examples loop",
    "speed of aevb / textbook Lightning": "{:.2g} times as textbook Lightning",
    "speed of aevb / JAX jit + scan": "{:.2g} times as JAX",
}
"""Row of a record -> its words in the README, in this order."""


def newest_rows() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Return the newest measured row with one thread of every kind, and the record that it is from, by its words."""
    files = (REPOSITORY / "results" / "benchmarks").glob("*.json")
    records = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    return {
        row["what"]: (row, record)
        for record in sorted(records, key=lambda record: str(record["machine"]["time"]))
        for row in record["rows"]
        if row["median"] is not None and row["threads"] == THREADS
    }


def readme_speed() -> str:
    """Return the sentence, with the processor and the days of its measurements."""
    rows = newest_rows()
    chosen = [what for what in WORDS if what in rows]
    ratios = ", ".join(WORDS[what].format(rows[what][0]["median"]) for what in chosen)
    machines = [rows[what][1]["machine"] for what in chosen]
    processors = " and ".join(sorted({str(machine["processor"]) for machine in machines}))
    days = " and ".join(sorted({str(machine["time"])[:10] for machine in machines}))
    return f"[Speed](docs/performance.md), one thread: {ratios} ({processors}, {days})."
