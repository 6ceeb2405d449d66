"""The sentences on speed of the README and docs/numbers.md: the newest measurement of each ratio among the committed records."""

import json
from typing import Any

from sitegen.markdown import wrapped
from sitegen.repository import REPOSITORY

__all__ = ["newest_rows", "numbers_speed", "readme_speed"]

THREADS = 1
WORDS = {
    "speed of aevb / pytorch/examples style loop": "training is {:.2g} times as fast as the pytorch/examples loop",
    "speed of aevb / textbook Lightning": "{:.2g} times as textbook Lightning",
    "speed of aevb / JAX jit + scan": "{:.2g} times as JAX",
}
"""Row of a record -> its words in the README, in this order."""

LONGER_WORDS = {
    "speed of aevb / pytorch/examples style loop": "{:.2g} times the speed of the pytorch/examples loop",
    "speed of aevb / textbook Lightning": "{:.2g} times that of a textbook loop in Lightning",
    "speed of aevb / hand-written closed-form loop": "{:.2g} times that of the loop by hand",
    "speed of aevb / JAX jit + scan": "{:.2g} times that of JAX",
}
"""Rows of a record -> their words in docs/numbers.md."""

STEP = "time of aevb's step / matrix products alone"
ONEDNN = {"speed of aevb / hand-written closed-form loop": ", products by oneDNN", STEP: ", by oneDNN"}
"""Rows that are measured with torch's products and with oneDNN's: what the name of the second has in addition."""


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


def _median(rows: dict[str, tuple[dict[str, Any], dict[str, Any]]], what: str) -> float:
    # Of the two kinds of products the one that aevb looks worse against, if one record has both.
    row, record = rows[what]
    other = rows.get(what + ONEDNN.get(what, ""), (row, record))
    medians = [float(row["median"]), *([float(other[0]["median"])] if other[1] is record else [])]
    return max(medians) if what == STEP else min(medians)


def readme_speed() -> str:
    """Return the sentence, with the processor and the days of its measurements."""
    rows = newest_rows()
    chosen = [what for what in WORDS if what in rows]
    ratios = ", ".join(WORDS[what].format(_median(rows, what)) for what in chosen)
    return f"[Speed](docs/performance.md), one thread: {ratios} ({_measured(rows, chosen)})."


def numbers_speed() -> str:
    """Return the paragraph of docs/numbers.md, with the processor and the days of its measurements."""
    rows = newest_rows()
    chosen = [what for what in LONGER_WORDS if what in rows]
    *first, last = (LONGER_WORDS[what].format(_median(rows, what)) for what in chosen)
    step = f" A step takes {_median(rows, STEP):.2g} times as long as its matrix products." if STEP in rows else ""
    return wrapped(
        f"With one thread `aevb-train` as a whole reaches {', '.join(first)} and {last} ({_measured(rows, chosen)}).{step} "
        "[performance.md](performance.md) has the tables with their ranges, the goals that are met and missed, how cost grows, "
        "and what is counted."
    )


def _measured(rows: dict[str, tuple[dict[str, Any], dict[str, Any]]], chosen: list[str]) -> str:
    machines = [rows[what][1]["machine"] for what in chosen]
    processors = " and ".join(sorted({str(machine["processor"]) for machine in machines}))
    days = " and ".join(sorted({str(machine["time"])[:10] for machine in machines}))
    return f"{processors}, {days}"
