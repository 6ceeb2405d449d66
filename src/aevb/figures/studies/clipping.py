"""Gradient clipping: the lower bound after a fixed number of samples, against the threshold.

There is one panel for clipping by norm and one for clipping by value. A horizontal line is the same run without
clipping, dashed for the larger learning rate and dotted for the smaller. A run that diverged has no result; the
legend states this.
"""

import math
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.origin import meanings, provenance
from aevb.figures.common.style import SPARE
from aevb.runs.run import Run

__all__ = ["Clipping"]

COLOURS = {"sgd": "#D55E00", "adam": "#0072B2", "adagrad": "#009E73"}
KINDS = {"norm": "clipped by norm", "value": "clipped by value"}
DASHED, DOTTED = (0, (4, 2)), (0, (1, 2))
DOWN, MINUS = "\N{BLACK DOWN-POINTING SMALL TRIANGLE}", "\N{MINUS SIGN}"
BELOW = 400.0  # nats: how far below the best the axis goes


class Clipping(Figure):
    """One line per optimizer and learning rate, from the largest set of runs that are otherwise alike."""

    name = "clipping"
    command = "aevb-train experiment=clipping hydra/launcher=ensemble"

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the runs with at most one of the two thresholds, of the most common data set and length.

        See `Figure.wanted`.
        """
        kinds: dict[Any, list[Run]] = {}
        for run in runs:
            if None in _thresholds(run).values():
                kinds.setdefault((run.settings["choices"]["data"], run.done["samples_seen"]), []).append(run)
        best = max(kinds.values(), key=len, default=[])
        return best if any(value for run in best for value in _thresholds(run).values()) else []

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose the two panels and the table (see `Figure.compose`)."""
        rows = [_row(run) for run in runs]
        canvas = Canvas(figsize=(8.6, 3.3))
        lines = sorted({(row["optimizer"], row["lr"]) for row in rows}, key=lambda line: (line[0] != "sgd", line))
        for ax, (kind, title) in zip(canvas.subplots(1, 2, sharey=True), KINDS.items(), strict=True):
            _panel(ax, rows, lines, kind)
            ax.set_title(title)
        best = max(row["test_bound"] for row in rows)
        canvas.axes[0].set_ylim(best - BELOW, best + 0.04 * BELOW)
        for ax, kind in zip(canvas.axes, KINDS, strict=True):
            for row in rows:
                if row[f"clip_{kind}"] and row["test_bound"] < best - BELOW:
                    at = (row[f"clip_{kind}"], best - BELOW)
                    ax.annotate(
                        f"{row['test_bound']:.0f} {DOWN}".replace("-", MINUS),
                        at,
                        (-2, 3),
                        textcoords="offset points",
                        fontsize=7,
                        ha="right",
                    )
        canvas.axes[0].set_ylabel("lower bound, test images, nats")
        handles, _ = canvas.axes[0].get_legend_handles_labels()
        for style, which in ((DASHED, "larger"), (DOTTED, "smaller")):
            text = f"not clipped, {which} learning rate"
            handles.append(Line2D([], [], color="black", linewidth=0.8, linestyle=style, label=text))
        canvas.legend(handles=handles, loc="outside right upper", fontsize=8)
        samples = runs[0].done["samples_seen"]
        text = (
            f"Lower bound of the test images after {samples:,} training samples, nats per image, one seed. The threshold is of "
            "the gradient of the minibatch's mean loss in all parameters.\n\n"
        )
        return Drawing(rows, canvas, text=f"{text}{meanings(runs)}\n{_table(rows, lines)}")


def _thresholds(run: Run) -> dict[str, float | None]:
    return {kind: run.settings.get(f"clip_{kind}") for kind in KINDS}


def _row(run: Run) -> dict[str, Any]:
    thresholds = {f"clip_{kind}": value for kind, value in _thresholds(run).items()}
    metrics = run.metrics()
    return {
        "optimizer": run.settings["choices"]["optimizer"],
        "lr": run.settings["optimizer"]["lr"],
        **thresholds,
        "test_bound": float(metrics["test_bound"][-1]),
        "train_bound": float(metrics["train_bound"][-1]),
        "samples_seen": run.done["samples_seen"],
        **provenance(run),
    }


def _plain(rows: list[dict[str, Any]], line: tuple[str, float]) -> float:
    """The lower bound without clipping; nan where that run diverged."""
    bounds = [row["test_bound"] for row in rows if _of(row, line) and row["clip_norm"] is row["clip_value"] is None]
    return bounds[0] if bounds else math.nan


def _of(row: dict[str, Any], line: tuple[str, float]) -> bool:
    return (row["optimizer"], row["lr"]) == line


def _panel(ax: Axes, rows: list[dict[str, Any]], lines: list[tuple[str, float]], kind: str) -> None:
    for line in lines:
        name, lr = line
        pairs = sorted(
            (row[f"clip_{kind}"], row["test_bound"]) for row in rows if _of(row, line) and row[f"clip_{kind}"]
        )
        plain, colour = _plain(rows, line), COLOURS.get(name, SPARE[-1])
        small = lr < max(other for optimizer, other in lines if optimizer == name)
        label = f"{name}, learning rate {lr:g}" + (": diverged unclipped" if math.isnan(plain) else "")
        ax.plot(
            [threshold for threshold, _ in pairs],
            [bound for _, bound in pairs],
            "s-" if small else "o-",
            color=colour,
            markerfacecolor="white" if small else colour,
            markersize=4.5,
            linewidth=1,
            label=label,
        )
        if not math.isnan(plain):
            ax.axhline(plain, color=colour, linewidth=0.8, linestyle=DOTTED if small else DASHED)
    ax.set_xscale("log")
    ax.set_xlabel("threshold")
    ax.grid(linewidth=0.3)


def _table(rows: list[dict[str, Any]], lines: list[tuple[str, float]]) -> str:
    shown = []
    thresholds = {kind: sorted({row[f"clip_{kind}"] for row in rows if row[f"clip_{kind}"]}) for kind in KINDS}
    for line in lines:
        plain = _plain(rows, line)
        cells = {
            "optimiser": line[0],
            "learning rate": f"{line[1]:g}",
            "unclipped": "diverged" if math.isnan(plain) else f"{plain:.1f}",
        }
        for kind, values in thresholds.items():
            for value in values:
                bound = [row["test_bound"] for row in rows if _of(row, line) and row[f"clip_{kind}"] == value]
                cells[f"{kind} {value:g}"] = f"{bound[0]:.1f}" if bound else "–"
        shown.append(cells)
    return markdown_table(shown)
