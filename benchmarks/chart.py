"""The chart of a benchmark: how long a step takes by each method, and how far each ratio is from its goal."""

from functools import partial
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from aevb.figures.common.style import RC
from aevb.files.atomic import write_atomically
from benchmarks.results import Row, Speed

__all__ = ["draw"]

BY_THREADS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7")
MET, MISSED = "#0072B2", "#D55E00"
LINE = 0.27  # inches of height


def draw(path: Path, rows: list[Row], speeds: list[Speed]) -> bool:
    """Writes a PNG. Returns whether there was anything to draw."""
    steps = [speed for speed in speeds if speed.per == "step" and speed.group == "training"]
    judged = [row for row in rows if row.goal is not None and row.values]
    if not steps and not judged:
        return False
    with matplotlib.rc_context(RC):  # type: ignore[arg-type]
        panels = [partial(_steps, steps=steps)] if steps else []
        panels += [partial(_goals, rows=judged)] if judged else []
        canvas = Figure(figsize=(7 * len(panels), 1.4 + LINE * max(len(steps), len(judged))))
        for axes, panel in zip(canvas.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            panel(axes)
        write_atomically(path, partial(canvas.savefig, format="png", metadata={"Software": None}))
    return True


def _ranges(axes: Axes, labels: list[str], spans: list[tuple[float, float, float]], colours: list[str]) -> None:
    for k, ((low, median, high), colour) in enumerate(zip(spans, colours, strict=True)):
        axes.plot([low, high], [k, k], color=colour, linewidth=1.4)
        axes.plot(median, k, "o", color=colour, markersize=4.5)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", linewidth=0.3)


def _steps(axes: Axes, steps: list[Speed]) -> None:
    axes.set_title("Time of a training step")
    axes.set_xlabel("ms, median and range over rounds")
    counts = list(dict.fromkeys(speed.threads for speed in steps))
    ordered = sorted(steps, key=lambda speed: (counts.index(speed.threads), speed.median))
    labels = [f"{speed.method}, {speed.threads} thread{'s' if speed.threads != 1 else ''}" for speed in ordered]
    spans = [(1e3 * min(speed.seconds), 1e3 * speed.median, 1e3 * max(speed.seconds)) for speed in ordered]
    _ranges(axes, labels, spans, [BY_THREADS[counts.index(s.threads) % len(BY_THREADS)] for s in ordered])
    for label, speed in zip(axes.get_yticklabels(), ordered, strict=True):
        label.set_fontweight("bold" if speed.method == "aevb" else "normal")
    axes.set_xlim(left=0)


def _goals(axes: Axes, rows: list[Row]) -> None:
    axes.set_title("Goals (beyond 1: met)")
    axes.set_xlabel("times better than the goal")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    labels, spans, colours = [], [], []
    for row in rows:
        assert row.goal is not None
        beyond = [
            value / row.goal.value if row.goal.sense == "≥" else row.goal.value / max(value, 1e-9)
            for value in row.values
        ]
        median = row.median / row.goal.value if row.goal.sense == "≥" else row.goal.value / max(row.median, 1e-9)
        threads = "" if row.threads is None else f", {row.threads} thread{'s' if row.threads != 1 else ''}"
        labels.append(f"{row.what} {row.goal.sense} {row.goal.value:g}{threads}")
        spans.append((min(beyond), median, max(beyond)))
        colours.append(MET if row.verdict == "met" else MISSED)
    axes.axvline(1, color="black", linewidth=0.8)
    _ranges(axes, labels, spans, colours)
