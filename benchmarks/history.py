"""The benchmarks of all commits: a JSON file each in results/benchmarks, and a chart of every ratio over time.

python -m benchmarks --record        # adds results/benchmarks/<day>-<commit>.json and draws docs/performance/benchmarks.svg
python -m benchmarks.history         # draws the chart again
"""

import json
from functools import partial
from pathlib import Path
from textwrap import fill
from typing import Any, NamedTuple

import matplotlib
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from aevb.figures.common.style import RC
from aevb.files.atomic import write_atomically, write_json

__all__ = ["CHART", "FOLDER", "Point", "add", "draw", "records", "series"]

ROOT = Path(__file__).resolve().parents[1]
FOLDER, CHART = ROOT / "results" / "benchmarks", ROOT / "docs" / "performance" / "benchmarks.svg"
COLUMNS = 3
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


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


class Point(NamedTuple):
    """A ratio in one record: the number of the record, and the range and median of its rounds."""

    record: int
    low: float
    median: float
    high: float


def series(history: list[dict[str, Any]]) -> dict[str, dict[str, list[Point]]]:
    """Return the points of each ratio, by its words and then by the processor.

    Args:
        history: The records, the oldest first.
    """
    ratios: dict[str, dict[str, list[Point]]] = {}
    for k, record in enumerate(history):
        for row in record["rows"]:
            if row["median"] is not None and row["unit"] == "×":
                threads = f", {row['threads']} threads" if row["threads"] and row["threads"] > 1 else ""
                of_processors = ratios.setdefault(row["what"] + threads, {})
                points = of_processors.setdefault(record["machine"]["processor"], [])
                points.append(Point(k, row["low"], row["median"], row["high"]))
    return ratios


def draw(path: Path, history: list[dict[str, Any]]) -> None:
    """Draw every ratio over the records: median and range, a colour for each processor.

    A line joins the records of one processor only, since the ratios depend on it.

    Args:
        path: The SVG file.
        history: The records, the oldest first.
    """
    ratios = series(history)
    processors = list(dict.fromkeys(record["machine"]["processor"] for record in history))
    height = -(-max(1, len(ratios)) // COLUMNS)
    with matplotlib.rc_context({**RC, "svg.hashsalt": "aevb"}):  # type: ignore[dict-item]
        canvas = Figure(figsize=(10, 1.8 * height + 0.6))
        panels = canvas.subplots(height, COLUMNS, sharex=True, squeeze=False).ravel()
        for axes, (what, of_processors) in zip(panels, ratios.items(), strict=False):
            for processor, points in of_processors.items():
                colour = COLOURS[processors.index(processor) % len(COLOURS)]
                k, low, median, high = zip(*points, strict=True)
                axes.vlines(k, low, high, linewidth=1.2, color=colour)
                axes.plot(k, median, "o-", markersize=4, color=colour)
            axes.set_title(fill(what, 44), loc="left", fontsize=7)
            axes.set_ylim(bottom=0)
        for axes in panels[len(ratios) :]:
            axes.set_visible(False)
        names = [f"{record['machine']['time'][5:10]}\n{str(record['machine']['commit'])[:7]}" for record in history]
        for axes in panels[max(0, len(ratios) - COLUMNS) : len(ratios)]:  # the lowest panel of each column
            axes.tick_params(axis="x", labelbottom=True)
            axes.set_xticks(range(len(names)), names, fontsize=6)
            axes.set_xlim(-0.5, len(names) - 0.5)
        canvas.legend(
            handles=[
                Line2D([], [], marker="o", color=COLOURS[k % len(COLOURS)], label=processor)
                for k, processor in enumerate(processors)
            ],
            loc="outside upper center",
            ncols=max(1, len(processors)),
        )
        write_atomically(path, partial(canvas.savefig, format="svg", metadata={"Date": None, "Creator": None}))


if __name__ == "__main__":
    draw(CHART, records())
    print(CHART)
