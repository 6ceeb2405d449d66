"""Gradient clipping: the lower bound after a fixed number of samples, against the threshold.

There is one panel for clipping by norm and one for clipping by value. A horizontal line is the same run without
clipping, dashed for the larger learning rate and dotted for the smaller. A run that diverged has no result; the
legend states this, and whether there is no run without clipping at all.
"""

import math
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from aevb.errors import UserError
from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.learning_curves import curve, with_bound
from aevb.figures.common.origin import meanings, provenance
from aevb.figures.common.style import SPARE
from aevb.runs.run import Run, state
from aevb.runs.status import has_diverged
from aevb.runs.walk import run_directories

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
        """Return the largest set of runs with a bound that differ in one of the two thresholds and the optimizer alone.

        See `Figure.wanted`.
        """
        kinds: dict[Any, list[Run]] = {}
        for run in sorted(with_bound(runs), key=lambda run: run.settings["seed"]):
            if None in _thresholds(run).values() and "lr" in run.settings["optimizer"]:
                kinds.setdefault((_kind(run), run.done["samples_seen"]), []).append(run)
        best = max(kinds.values(), key=len, default=[])
        return best if any(value for run in best for value in _thresholds(run).values()) else []

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose the two panels and the table (see `Figure.compose`)."""
        rows = [_row(run) for run in runs]
        canvas = Canvas(figsize=(8.6, 3.3))
        lines = sorted({(row["optimizer"], row["lr"]) for row in rows}, key=lambda line: (line[0] != "sgd", line))
        diverged = _diverged(runs)
        for ax, (kind, title) in zip(canvas.subplots(1, 2, sharey=True), KINDS.items(), strict=True):
            _panel(ax, rows, lines, kind, diverged)
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
            f"Lower bound of the test images after {samples:,} training samples, nats per image, seed {runs[0].settings['seed']}. The "
            "threshold is of the gradient of the minibatch's mean loss in all parameters.\n\n"
        )
        return Drawing(rows, canvas, text=f"{text}{meanings(runs)}\n{_table(rows, lines, diverged)}")


def _thresholds(run: Run) -> dict[str, float | None]:
    return {kind: run.settings.get(f"clip_{kind}") for kind in KINDS}


def _kind(run: Run) -> tuple[Any, ...]:
    """What runs of one figure have in common."""
    item = curve(run)
    shared = tuple(pair for pair in item.config_key if not pair[0].startswith(("optimizer.", "clip_")))
    return item.data, item.latent_dim, item.seed, shared


def _diverged(runs: list[Run]) -> set[tuple[str, float]]:
    """The optimizers and learning rates whose run without clipping diverged, by the record of that run."""
    known = set()
    folders = {run.directory.parent for run in runs}
    failed = {item for folder in folders for item in run_directories(folder) if state(item) == "failed"}
    for run in (Run(directory) for directory in failed if has_diverged(directory)):
        try:
            alike = any(_alike(run, other) for other in runs)
            if alike and not any(_thresholds(run).values()):
                known.add((str(run.settings["choices"]["optimizer"]), run.settings["optimizer"]["lr"]))
        except (UserError, KeyError):
            continue  # of another kind
    return known


def _alike(run: Run, other: Run) -> bool:
    same = ("data", "objective", "model")
    return all(run.settings[key] == other.settings[key] for key in (*same, "latent_dim", "seed", "max_samples"))


def _row(run: Run) -> dict[str, Any]:
    thresholds = {f"clip_{kind}": value for kind, value in _thresholds(run).items()}
    metrics = run.metrics()
    return {
        "optimizer": run.settings["choices"]["optimizer"],
        "lr": curve(run).lr,
        **thresholds,
        "test_bound": float(metrics["test_bound"][-1]),
        "train_bound": float(metrics["train_bound"][-1]),
        "samples_seen": run.done["samples_seen"],
        **provenance(run),
    }


def _plain(rows: list[dict[str, Any]], line: tuple[str, float]) -> float:
    """The lower bound without clipping; nan where there is none."""
    bounds = [row["test_bound"] for row in rows if _of(row, line) and row["clip_norm"] is row["clip_value"] is None]
    return bounds[0] if bounds else math.nan


def _without(line: tuple[str, float], diverged: set[tuple[str, float]]) -> str:
    return "diverged" if line in diverged else "no run"


def _of(row: dict[str, Any], line: tuple[str, float]) -> bool:
    return (row["optimizer"], row["lr"]) == line


def _panel(
    ax: Axes,
    rows: list[dict[str, Any]],
    lines: list[tuple[str, float]],
    kind: str,
    diverged: set[tuple[str, float]],
) -> None:
    for line in lines:
        name, lr = line
        pairs = sorted(
            (row[f"clip_{kind}"], row["test_bound"]) for row in rows if _of(row, line) and row[f"clip_{kind}"]
        )
        plain, colour = _plain(rows, line), COLOURS.get(name, SPARE[-1])
        small = lr < max(other for optimizer, other in lines if optimizer == name)
        label = f"{name}, learning rate {lr:g}" + (
            f": {_without(line, diverged)} unclipped" if math.isnan(plain) else ""
        )
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


def _table(rows: list[dict[str, Any]], lines: list[tuple[str, float]], diverged: set[tuple[str, float]]) -> str:
    shown = []
    thresholds = {kind: sorted({row[f"clip_{kind}"] for row in rows if row[f"clip_{kind}"]}) for kind in KINDS}
    for line in lines:
        plain = _plain(rows, line)
        cells = {
            "optimizer": line[0],
            "learning rate": f"{line[1]:g}",
            "unclipped": _without(line, diverged) if math.isnan(plain) else f"{plain:.1f}",
        }
        for kind, values in thresholds.items():
            for value in values:
                bound = [row["test_bound"] for row in rows if _of(row, line) and row[f"clip_{kind}"] == value]
                cells[f"{kind} {value:g}"] = f"{bound[0]:.1f}" if bound else "–"
        shown.append(cells)
    return markdown_table(shown)
