"""The benchmarks of all commits: a JSON file each in results/benchmarks, and a chart of every ratio over time.

python -m benchmarks --record        # adds results/benchmarks/<day>-<commit>.json and draws docs/benchmarks.svg
python -m benchmarks.history         # draws the chart again
"""

import json
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from aevb.figures.common.style import RC
from aevb.files.atomic import write_atomically, write_json

__all__ = ["CHART", "FOLDER", "add", "draw", "records"]

ROOT = Path(__file__).resolve().parents[1]
FOLDER, CHART = ROOT / "results" / "benchmarks", ROOT / "docs" / "benchmarks.svg"


def add(record: dict[str, Any], folder: Path = FOLDER) -> Path:
    """Write a record under the day and the commit that were measured; another one of both is replaced.

    Args:
        record: What `python -m benchmarks` writes into benchmark.json.
        folder: Folder of the records.

    Returns:
        The file.
    """
    machine = record["machine"]
    path = folder / f"{machine['time'][:10]}-{(machine['commit'] or 'unknown')[:12]}.json"
    write_json(path, record)
    return path


def records(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """Return all records, the oldest first.

    Args:
        folder: Folder of the records.
    """
    read = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    return sorted(read, key=lambda record: str(record["machine"]["time"]))


def _series(history: list[dict[str, Any]]) -> dict[str, list[tuple[int, float, float, float]]]:
    # (number of the record, low, median, high) of each ratio that has a goal or a number, by its words.
    series: dict[str, list[tuple[int, float, float, float]]] = {}
    for k, record in enumerate(history):
        for row in record["rows"]:
            if row["median"] is not None and row["unit"] == "×":
                threads = f", {row['threads']} threads" if row["threads"] and row["threads"] > 1 else ""
                series.setdefault(row["what"] + threads, []).append((k, row["low"], row["median"], row["high"]))
    return series


def draw(path: Path, history: list[dict[str, Any]]) -> None:
    """Draw every ratio over the records: median and range.

    Args:
        path: The SVG file.
        history: The records, the oldest first.
    """
    series = _series(history)
    with matplotlib.rc_context({**RC, "svg.hashsalt": "aevb"}):  # type: ignore[dict-item]
        canvas = Figure(figsize=(9, 1.6 * max(1, len(series))))
        panels = canvas.subplots(max(1, len(series)), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (what, points) in zip(panels, series.items(), strict=False):
            k, low, median, high = zip(*points, strict=True)
            axes.vlines(k, low, high, linewidth=1.2)
            axes.plot(k, median, "o-", markersize=4)
            axes.set_title(what, loc="left", fontsize=8)
            axes.set_ylim(bottom=0)
        names = [f"{record['machine']['time'][:10]}\n{str(record['machine']['commit'])[:7]}" for record in history]
        panels[-1].set_xticks(range(len(names)), names, fontsize=7)
        panels[-1].set_xlim(-0.5, len(names) - 0.5)
        write_atomically(path, partial(canvas.savefig, format="svg", metadata={"Date": None, "Creator": None}))


if __name__ == "__main__":
    draw(CHART, records())
    print(CHART)
