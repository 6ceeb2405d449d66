"""Inference in models whose log p(x) is a finite sum: the encoder's bound, the best bound, and log p(x).

The best bound is that of the optimal factorial q of each image. The difference between log p(x) and the
best bound is the approximation gap, which is due to the family of q. The difference between the best bound
and the encoder's bound is the amortisation gap, which is due to one network serving all images. The numbers
are the columns of metrics.csv from evaluator=[enumeration,fitted_bound]. A run of variational EM has no
encoder; its q is the optimal one up to the accuracy of its E-steps.
"""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.origin import convention, provenance
from aevb.figures.common.style import method
from aevb.runs import layout
from aevb.runs.csv_table import read_rows
from aevb.runs.run import Run

__all__ = ["BinaryInference"]

SPLITS = {"test": "-", "train": (0, (1, 1))}  # line styles
COLUMNS = {"log_px": "enumeration_log_px", "fitted": "fitted_bound_bound", "encoder": "enumeration_bound"}
SMALLEST = 1e-3  # nats, below which a gap is rounding
GAPS = {"approximation gap": ("log_px", "fitted", "-"), "amortisation gap": ("fitted", "encoder", "--")}


class BinaryInference(Figure):
    """log p(x) against samples_seen, the gaps on test images, and a table of the final values.

    Each objective has one colour.
    """

    name = "binary_inference"
    command = "aevb-train experiment=sigmoid_belief_network"

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the runs with both evaluators, ordered by name (see `Figure.wanted`)."""
        served = [run for run in runs if {"enumeration", "fitted_bound"} <= set(run.settings["evaluator"])]
        return sorted(served, key=lambda run: run.name)

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose the panels and the table (see `Figure.compose`)."""
        rows = [row for run in runs for row in _rows(run)]
        canvas, names = Canvas(figsize=(9.2, 3.4)), _names(runs)
        likelihood, gaps = canvas.subplots(1, 2)
        for run in runs:
            colour = method(run.settings["choices"]["objective"]).colour
            for split, style in SPLITS.items():
                own_rows = [row for row in rows if row["run"] == run.name and row["split"] == split]
                points = [(row["samples_seen"], row["log_px"]) for row in own_rows]
                _curve(likelihood, points, style, colour, f"{names[run.name]}, {split}")
            own_rows = [row for row in rows if row["run"] == run.name and row["split"] == "test"]
            for gap, (above, below, style) in GAPS.items():
                both = [(row["samples_seen"], row[above] - row[below]) for row in own_rows if row[below] is not None]
                points = [(seen, nats) for seen, nats in both if nats > SMALLEST]
                _curve(gaps, points, style, colour, f"{names[run.name]}, {gap}")
        ends = sorted(row["log_px"] for row in rows)
        likelihood.set_ylim(ends[len(ends) // 3], ends[-1] + 0.03 * (ends[-1] - ends[len(ends) // 3]))
        likelihood.set_ylabel("log p(x), nats per image")
        gaps.set_yscale("log")
        gaps.set_ylabel("gap on test images, nats")
        for ax in (likelihood, gaps):
            ax.set_xscale("log")
            ax.set_xlabel("training samples seen")
            ax.grid(linewidth=0.3)
            ax.legend(fontsize=7.5, frameon=True, framealpha=1, edgecolor="none")  # over the grid
        text = (
            "Nats per image at the end, means over the images. log p(x): exact, summed over all codes. Approximation gap: to "
            "the best factorial q of each image; amortisation gap: from there to the encoder's.\n\n"
        )
        return Drawing(rows, canvas, text=text + markdown_table(_ends(runs, rows, names)))


def _names(runs: list[Run]) -> dict[str, str]:
    """The name of the method, with the name of the run where two runs share a method."""
    labels = {run.name: method(run.settings["choices"]["objective"]).label for run in runs}
    several = {label for label in labels.values() if list(labels.values()).count(label) > 1}
    return {name: f"{label} ({name})" if label in several else label for name, label in labels.items()}


def _rows(run: Run) -> list[dict[str, Any]]:
    """One row per evaluation point and split; "seconds" is the training time."""
    folder = Path(run.directory)
    seconds = {row["samples_seen"]: float(row["training_seconds"]) for row in read_rows(folder / layout.TIMING)}
    metrics = read_rows(folder / layout.METRICS)
    facts = {"targets": convention(run), **provenance(run)}
    rows = []
    for line in metrics:
        for split in SPLITS:
            values = {name: line.get(f"{split}_{column}") for name, column in COLUMNS.items()}
            if values["log_px"]:
                numbers = {name: float(value) if value else None for name, value in values.items()}
                seen = {"samples_seen": int(line["samples_seen"]), "seconds": seconds.get(line["samples_seen"])}
                rows.append({"split": split, **seen, **numbers, **facts})
    return rows


def _curve(ax: Axes, points: list[tuple[float, float]], style: Any, colour: str, label: str) -> None:
    if points:
        ax.plot(*zip(*points, strict=True), linestyle=style, color=colour, linewidth=1.3, label=label)


def _ends(runs: list[Run], rows: list[dict[str, Any]], names: dict[str, str]) -> list[dict[str, str]]:
    table = []
    for run in runs:
        for split in SPLITS:
            own_rows = [row for row in rows if row["run"] == run.name and row["split"] == split]
            if not own_rows:
                continue
            end = own_rows[-1]
            encoder = end["encoder"]
            table.append(
                {
                    "inference": names[run.name],
                    "images": split,
                    "samples seen": f"{end['samples_seen']:,}",
                    "log p(x)": f"{end['log_px']:.2f}",
                    "best factorial q": f"{end['fitted']:.2f}",
                    "encoder's q": "–" if encoder is None else f"{encoder:.2f}",
                    "approximation gap": f"{end['log_px'] - end['fitted']:.2f}",
                    "amortisation gap": "–" if encoder is None else f"{end['fitted'] - encoder:.2f}",
                }
            )
    return table
