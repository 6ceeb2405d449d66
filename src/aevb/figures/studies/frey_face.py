"""Frey Face beside the paper: the lower bound along training for several sizes of minibatches and learning rates.

One row of panels is AEVB, the other wake-sleep; one column is one latent_dim. A line is the bound of the test images.
A ring is the training bound at the paper's first evaluation point. It is the mean over all minibatches since the start, so
it shows how many training samples the first steps took. Runs with a further change are in the table alone.
"""

from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.learning_curves import Curve, curve, with_bound
from aevb.figures.common.origin import provenance
from aevb.figures.common.style import method, number
from aevb.figures.paper.published import Polyline, figure2
from aevb.runs.run import Run

__all__ = ["FreyFace"]

OBJECTIVES = ("sgvb_b", "wake_sleep")
LATENT_DIMS = (2, 5, 10, 20)
LINES: dict[tuple[int, float, str], tuple[str, str, Literal["-", "--", ":"]]] = {
    (100, 0.01, ""): ("minibatches of 100, lr 0.01", "#0072B2", "-"),
    (100, 0.02, ""): ("minibatches of 100, lr 0.02", "#56B4E9", "--"),
    (500, 0.01, ""): ("minibatches of 500, lr 0.01", "#D55E00", "-"),
    (500, 0.02, ""): ("minibatches of 500, lr 0.02", "#E69F00", "--"),
    (100, 0.01, "objective.dreams=clipped"): ("minibatches of 100, lr 0.01, clipped dreams", "#CC79A7", ":"),
}
"""(batch_size, lr, change) of the lines: label, colour and style."""

USUAL = {
    "optimizer.warmup": 100,
    "sampling": "permutation",
    "model.initialization": "paper",
    "objective.weight_prior": 1.0,
    "objective.dreams": "samples",
    "objective.prior_on": "decoder",
}
"""Keys that the study changes, with their defaults."""

LEFT = 1e5
LIMITS = {"sgvb_b": (400.0, 1320.0), "wake_sleep": (280.0, 1000.0)}
START = "mean training bound since the start"


class FreyFace(Figure):
    """Curves of Frey Face beside the paper's, and a table of every run."""

    name = "frey_face"
    command = "aevb-train experiment=figure2_frey batch_size=500 max_samples=1e6"

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the runs on Frey Face with the paper's networks and Adagrad, or nothing (see `Figure.wanted`)."""
        choices = {"data": ("frey_face",), "objective": OBJECTIVES, "optimizer": ("adagrad",)}
        return [
            run
            for run in with_bound(runs)
            if all(run.settings["choices"].get(group) in names for group, names in choices.items())
            and run.settings["latent_dim"] in LATENT_DIMS
        ]

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose the panels, the table and the numbers (see `Figure.compose`)."""
        curves = sorted((curve(run) for run in runs), key=_order)
        canvas = Canvas(figsize=(8.6, 4.4))
        grid = canvas.subplots(2, len(LATENT_DIMS), sharex=True, sharey="row", squeeze=False)
        for row, objective in enumerate(OBJECTIVES):
            for ax, latent_dim in zip(grid[row], LATENT_DIMS, strict=True):
                same = [item for item in curves if (item.objective, item.latent_dim) == (objective, latent_dim)]
                _panel(ax, same, objective, latent_dim)
                ax.set_title(f"{method(objective).label}, latent_dim {latent_dim}", fontsize=9)
            grid[row][0].set_ylabel("test bound, nats")
        for ax in grid[-1]:
            ax.set_xlabel("training samples seen")
        canvas.legend(handles=_legend(curves), loc="outside lower center", ncols=3, fontsize=8)
        rows = [row for item in curves for row in _rows(item)]
        return Drawing(rows, canvas, text=f"{_caption()}\n\n{markdown_table([_line(item) for item in curves])}")


def _order(item: Curve) -> tuple[Any, ...]:
    at = (item.objective, item.latent_dim, item.run.settings["batch_size"])
    return (*at, _changes(item.run), item.lr, item.seed, item.run.name)


def _caption() -> str:
    return (
        "Bounds on Frey Face, nats per image, where each run ends. `start` is the mean of the minibatch bounds from the first "
        "minibatch to the paper's first evaluation point, which is the paper's first training bound."
    )


def _changes(run: Run) -> str:
    changes = []
    for key, usual in USUAL.items():
        node: Any = run.settings
        for part in key.split("."):
            node = node.get(part, usual) if isinstance(node, dict) else usual
        if node != usual:
            changes.append(f"{key}={node:g}" if isinstance(node, float) else f"{key}={node}")
    return " ".join(changes)


def _paper(item: Curve, split: str) -> Polyline:
    return _published(item.objective, item.latent_dim, split)


def _published(objective: str, latent_dim: int, split: str) -> Polyline:
    return figure2()["frey_face", latent_dim, method(objective).published or "", split]


def _start(item: Curve) -> float | None:
    """The mean of the minibatch bounds from the start to the paper's first evaluation point; None if the run ends before."""
    first, window = _paper(item, "train").samples_seen[0], item.run.settings["evaluation"]["train_window"]
    points, sums = np.zeros(1), np.zeros(1)  # the sum of the bounds over all samples up to each evaluation point
    for point, bound in zip(item.samples_seen.tolist(), item.bound["train"].tolist(), strict=True):
        before = float(np.interp(point - window, points, sums)) if point > window else 0.0
        points, sums = np.append(points, point), np.append(sums, before + bound * min(point, window))
    return float(np.interp(first, points, sums) / first) if points[-1] >= first else None


def _rows(item: Curve) -> list[dict[str, Any]]:
    bounds = zip(item.samples_seen.tolist(), item.bound["test"].tolist(), item.bound["train"].tolist(), strict=True)
    start = _start(item)
    return [
        {
            "method": method(item.objective).label,
            "latent_dim": item.latent_dim,
            "batch_size": item.run.settings["batch_size"],
            "lr": item.lr,
            "change": _changes(item.run),
            "seed": item.seed,
            "samples_seen": int(samples_seen),
            "test_bound": test,
            "train_bound": train,
            "paper_test_bound": _paper(item, "test").at(samples_seen),
            "paper_train_bound": _paper(item, "train").at(samples_seen),
            "start": start,
            "paper_start": float(_paper(item, "train").value[0]),
            **provenance(item.run),
        }
        for samples_seen, test, train in bounds
        if samples_seen >= LEFT
    ]


def _line(item: Curve) -> dict[str, str]:
    start, last = _start(item), item.last
    return {
        "method": method(item.objective).label,
        "latent_dim": str(item.latent_dim),
        "batch_size": str(item.run.settings["batch_size"]),
        "lr": f"{item.lr:g}",
        "change": _changes(item.run).replace(" ", ", ") or "–",
        "seed": str(item.seed),
        "start": number(start) if start is not None else "–",
        "paper's start": number(float(_paper(item, "train").value[0])),
        "samples": f"{last:,}",
        "test": number(item.at("test", last)),
        "paper's test": number(_paper(item, "test").at(last)),
    }


def _panel(ax: Axes, curves: list[Curve], objective: str, latent_dim: int) -> None:
    train = _published(objective, latent_dim, "train")
    first = train.samples_seen[0]
    for item in curves:
        line = LINES.get(_key(item))
        if line is None:
            continue
        _, colour, style = line
        shown = item.samples_seen >= LEFT
        ax.plot(item.samples_seen[shown], item.bound["test"][shown], style, color=colour, linewidth=1.4)
        start = _start(item)
        if start is not None:
            ax.plot(first, start, "o", color=colour, markerfacecolor="none", markersize=5)
    test = _published(objective, latent_dim, "test").until(1e7)
    ax.plot(test.samples_seen, test.value, "-", color="black", linewidth=0.9)
    ax.plot(first, train.value[0], "o", color="black", markerfacecolor="none", markersize=7)
    ax.set_xscale("log")
    ax.set_xlim(LEFT, 1.1e7)
    ax.set_ylim(LIMITS[objective])
    ax.grid(linewidth=0.3)


def _key(item: Curve) -> tuple[int, float, str]:
    return item.run.settings["batch_size"], item.lr or 0.0, _changes(item.run)


def _legend(curves: list[Curve]) -> list[Line2D]:
    drawn = {_key(item) for item in curves if item.last >= LEFT}
    styles = [style for key, style in LINES.items() if key in drawn]
    lines = [Line2D([], [], color=colour, linestyle=style, label=label) for label, colour, style in styles]
    return [
        *lines,
        Line2D([], [], color="black", linewidth=0.9, label="the paper"),
        Line2D([], [], color="black", marker="o", markerfacecolor="none", linewidth=0, label=START),
    ]
