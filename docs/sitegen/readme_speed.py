"""The sentences on speed of the README and docs/numbers.md: the newest measurement of each ratio on each kind of processor."""

import json
from typing import Any

from sitegen.markdown import wrapped
from sitegen.repository import REPOSITORY

__all__ = ["newest_rows", "numbers_speed", "readme_speed"]

THREADS = 1
WORDS = {
    "speed of aevb / pytorch/examples style loop": "training is {} times as fast as the pytorch/examples loop",
    "speed of aevb / textbook Lightning": "{} times as textbook Lightning",
    "speed of aevb / JAX jit + scan": "{} times as JAX",
}
"""Row of a record -> its words in the README, in this order."""

LONGER_WORDS = {
    "speed of aevb / pytorch/examples style loop": "{} times the speed of the pytorch/examples loop",
    "speed of aevb / textbook Lightning": "{} times that of a textbook loop in Lightning",
    "speed of aevb / hand-written closed-form loop": "{} times that of the loop by hand",
    "speed of aevb / JAX jit + scan": "{} times that of JAX",
}
"""Rows of a record -> their words in docs/numbers.md."""

STEP = "time of aevb's step / matrix products alone"
ONEDNN = {"speed of aevb / hand-written closed-form loop": ", products by oneDNN", STEP: ", by oneDNN"}
"""Rows that are measured with torch's products and with oneDNN's: what the name of the second has in addition."""


Measurement = tuple[dict[str, Any], dict[str, Any]]
"""A row and the record that it is from."""

Rows = dict[str, dict[str, Measurement]]
"""The words of a row -> processor -> its newest measurement."""


def newest_rows() -> Rows:
    """Return the newest measured row with one thread of every kind, for each processor among the committed records."""
    files = (REPOSITORY / "results" / "benchmarks").glob("*.json")
    records = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    newest: Rows = {}
    for record in sorted(records, key=lambda record: str(record["machine"]["time"])):
        for row in record["rows"]:
            if row["median"] is not None and row["threads"] == THREADS:
                newest.setdefault(row["what"], {})[record["machine"]["processor"]] = row, record
    return newest


def _median(rows: Rows, what: str, processor: str) -> float:
    # Of the two kinds of products the one that aevb looks worse against, if one record has both.
    row, record = rows[what][processor]
    other = rows.get(what + ONEDNN.get(what, ""), {}).get(processor, (row, record))
    medians = [float(row["median"]), *([float(other[0]["median"])] if other[1] is record else [])]
    return max(medians) if what == STEP else min(medians)


def _range(rows: Rows, what: str) -> str:
    # "2.1", or "1.7 to 3.2" over the processors.
    medians = sorted(_median(rows, what, processor) for processor in rows[what])
    return " to ".join(dict.fromkeys(f"{median:.2g}" for median in (medians[0], medians[-1])))


def readme_speed() -> str:
    """Return the sentence, with the processors and the days of its measurements."""
    rows = newest_rows()
    chosen = [what for what in WORDS if what in rows]
    ratios = ", ".join(WORDS[what].format(_range(rows, what)) for what in chosen)
    return f"[Speed](docs/performance/README.md), one thread: {ratios} ({_measured(rows, chosen)})."


def numbers_speed() -> str:
    """Return the paragraph of docs/numbers.md, with the processors and the days of its measurements."""
    rows = newest_rows()
    chosen = [what for what in LONGER_WORDS if what in rows]
    *first, last = (LONGER_WORDS[what].format(_range(rows, what)) for what in chosen)
    step = f" A step takes {_range(rows, STEP)} times as long as its matrix products." if STEP in rows else ""
    return wrapped(
        f"With one thread `aevb-train` as a whole reaches {', '.join(first)} and {last} ({_measured(rows, chosen)}).{step} "
        "[Performance](performance/README.md) has the tables with their ranges, the goals that are met and missed, how cost grows, "
        "and what is counted."
    )


def _measured(rows: Rows, chosen: list[str]) -> str:
    machines = [record["machine"] for what in chosen for _, record in rows[what].values()]
    days: dict[str, set[str]] = {}
    for machine in machines:
        days.setdefault(str(machine["processor"]), set()).add(str(machine["time"])[:10])
    return "; ".join(f"{processor}, {' and '.join(sorted(days[processor]))}" for processor in sorted(days))
