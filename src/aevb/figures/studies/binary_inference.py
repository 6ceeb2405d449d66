"""Inference in models whose log p(x) can be summed: an encoder's bound, that of the best q of every image, and log p(x).

What lies between log p(x) and the best factorial q is the price of the family (approximation gap); between that and the encoder's
q the price of one network for all images (amortisation gap). From the columns that evaluator=[enumeration,fitted_bound] leaves
in metrics.csv; a run of variational EM has no encoder, and its q is the best one, as far as its E-steps go.
"""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.learning_curves import convention, provenance
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
    """log p(x) over samples seen, and beside it the gaps on test images; an objective a colour, a table of the ends."""

    name = "binary_inference"
    command = "aevb-train experiment=sigmoid_belief_network"

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Runs that were evaluated by both evaluators, in the order of their names."""
        served = [run for run in runs if {"enumeration", "fitted_bound"} <= set(run.settings["evaluator"])]
        return sorted(served, key=lambda run: run.name)

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """The panels and the table."""
        rows = [row for run in runs for row in _rows(run)]
        canvas, names = Canvas(figsize=(9.2, 3.4)), _names(runs)
        likelihood, gaps = canvas.subplots(1, 2)
        for run in runs:
            colour = method(run.settings["choices"]["objective"]).colour
            for split, style in SPLITS.items():
                found = [row for row in rows if row["run"] == run.name and row["split"] == split]
                points = [(row["samples_seen"], row["log_px"]) for row in found]
                _curve(likelihood, points, style, colour, f"{names[run.name]}, {split}")
            found = [row for row in rows if row["run"] == run.name and row["split"] == "test"]
            for gap, (above, below, style) in GAPS.items():
                both = [(row["samples_seen"], row[above] - row[below]) for row in found if row[below] is not None]
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
            ax.legend(fontsize=7.5)
        text = (
            "Nats per image at the end, means over the images. log p(x): exact, summed over all codes. Approximation gap: to "
            "the best factorial q of each image; amortisation gap: from there to the encoder's.\n\n"
        )
        return Drawing(rows, canvas, text=text + markdown_table(_ends(runs, rows, names)))


def _names(runs: list[Run]) -> dict[str, str]:
    """Of the method; with the run's name where two runs share it."""
    labels = {run.name: method(run.settings["choices"]["objective"]).label for run in runs}
    several = {label for label in labels.values() if list(labels.values()).count(label) > 1}
    return {name: f"{label} ({name})" if label in several else label for name, label in labels.items()}


def _rows(run: Run) -> list[dict[str, Any]]:
    """One for every mark and split that was looked at. seconds: of training."""
    folder = Path(run.directory)
    seconds = {row["samples_seen"]: float(row["training_seconds"]) for row in read_rows(folder / layout.TIMING)}
    marks = read_rows(folder / layout.METRICS)
    facts = {"targets": convention(run), **provenance(run)}
    rows = []
    for mark in marks:
        for split in SPLITS:
            values = {name: mark.get(f"{split}_{column}") for name, column in COLUMNS.items()}
            if values["log_px"]:
                numbers = {name: float(value) if value else None for name, value in values.items()}
                seen = {"samples_seen": int(mark["samples_seen"]), "seconds": seconds.get(mark["samples_seen"])}
                rows.append({"split": split, **seen, **numbers, **facts})
    return rows


def _curve(ax: Axes, points: list[tuple[float, float]], style: Any, colour: str, label: str) -> None:
    if points:
        ax.plot(*zip(*points, strict=True), linestyle=style, color=colour, linewidth=1.3, label=label)


def _ends(runs: list[Run], rows: list[dict[str, Any]], names: dict[str, str]) -> list[dict[str, str]]:
    table = []
    for run in runs:
        for split in SPLITS:
            found = [row for row in rows if row["run"] == run.name and row["split"] == split]
            if not found:
                continue
            end = found[-1]
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
