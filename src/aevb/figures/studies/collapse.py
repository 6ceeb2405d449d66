"""Posterior collapse during training: KL divergence, mutual information and active units, one line per seed.

A run has collapsed if its KL is below 0.1 nat and no unit is active (see
`aevb.estimators.mutual_information`). Both conditions are needed: a q that differs from the prior in the
same way for all images has a positive KL and carries no information about x.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from aevb.estimators.mutual_information import ACTIVE, COLLAPSED
from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.learning_curves import curve, once_per_seed
from aevb.figures.common.legends import add_legend
from aevb.figures.common.method_labels import distinct_names
from aevb.figures.common.origin import meanings, provenance
from aevb.figures.common.style import KL_WEIGHTED, MORE, dataset, method
from aevb.runs.run import Run

__all__ = ["Collapse", "variant"]

PANELS = {
    "kl": "KL(q(z|x) ‖ p(z)), nats",
    "mutual_information": "mutual information, nats",
    "active_units": "active units (lines set apart)",
}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#000000", "#56B4E9", *MORE[2:])
FAR = 1e5  # nats: a KL beyond has diverged
LEAST = 1e-3  # nats, where the axis of the KL turns from linear to logarithmic


class Trace(NamedTuple):
    """One run with R evaluation points.

    Attributes:
        run: The run.
        variant: The name of the method and its settings (see `variant`), with what else sets it apart from other runs.
        samples_seen: The number of training samples seen, (R,).
        values: The columns of PANELS and the lower bound, (R,) each, on the first images of the split.
    """

    run: Run
    variant: str
    samples_seen: np.ndarray
    values: dict[str, np.ndarray]

    @property
    def collapsed(self) -> bool:
        """Whether the posterior has collapsed at the end of the run."""
        return bool(self.values["kl"][-1] < COLLAPSED and self.values["active_units"][-1] == 0)


class Collapse(Figure):
    """Traces of runs with `evaluator=[bound,information]`; only runs that differ in the seed alone share a colour and a mean."""

    name = "collapse"
    command = "aevb-train experiment=collapse"

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the runs that have the columns (see `Figure.wanted`)."""
        needed = {f"test_information_{name}" for name in PANELS}
        return [run for run in runs if needed <= run.metrics().keys()]

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose three panels and a table of the final values (see `Figure.compose`)."""
        curves = [item for item, _ in once_per_seed(map(curve, runs))]  # a seed must not count twice in a mean
        variants = distinct_names(curves, [variant(item.run.settings) for item in curves])
        traces = [_trace(item.run, name) for item, name in zip(curves, variants, strict=True)]
        names = sorted(dict.fromkeys(trace.variant for trace in traces), key=_order)
        colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
        canvas = Canvas(figsize=(7.0, 2.8))
        for ax, (column, title) in zip(canvas.subplots(1, 3), PANELS.items(), strict=True):
            _panel(ax, traces, column, colours)
            ax.set_title(title)
        handles = [canvas.axes[0].plot([], [], color=colour, label=name)[0] for name, colour in colours.items()]
        add_legend(canvas, handles, "outside lower center", min(len(names), 3))
        rows = [row for trace in traces for row in _rows(trace)]
        shown = [_ended(name, [trace for trace in traces if trace.variant == name]) for name in names]
        data = ", ".join(dict.fromkeys(dataset(str(run.settings["choices"]["data"])) for run in runs))
        text = (
            f"{data}, test images. Collapsed: KL below {COLLAPSED} nat and no unit whose posterior mean has a variance above "
            f"{ACTIVE}, at the end. Means over seeds, lowest and highest in brackets; presented: training samples at which a "
            f"gradient was taken, an inner loop's too.\n\n{meanings(runs)}\n{markdown_table(shown)}"
        )
        return Drawing(rows, canvas, text=text)


def variant(settings: dict[str, Any]) -> str:
    """Name the objective of a run, with the settings that are meant to prevent collapse.

    Args:
        settings: The config of the run.

    Returns:
        The name.
    """
    node, objective = settings["objective"], str(settings["choices"]["objective"])
    inner = node.get("objective")
    if isinstance(inner, dict):
        return method(objective).label
    parts = [f"β = {node['beta']:g}"] if node.get("beta", 1) != 1 else []
    parts += [f"warm-up of {node['warm_up']:,} samples"] if node.get("warm_up") else []
    parts += [f"free bits, {node['free_bits']:g} nat a unit"] if node.get("free_bits") else []
    return ", ".join(parts if parts and objective in KL_WEIGHTED else [method(objective).label, *parts])


def _order(name: str) -> tuple[int, str]:
    """The plain method first, then lagging, then the others."""
    first = [method(objective).label for objective in ("sgvb_b", "lagging")]
    return first.index(name) if name in first else len(first), name


def _trace(run: Run, name: str) -> Trace:
    metrics = run.metrics()
    values = {column: metrics[f"test_information_{column}"] for column in (*PANELS, "bound")}
    presented = metrics.get("train_presented", np.array([math.nan]))
    values["presented"] = np.where(np.isnan(presented), metrics["samples_seen"], presented)
    return Trace(run, name, metrics["samples_seen"], values)


def _panel(ax: Axes, traces: list[Trace], column: str, colours: dict[str, str]) -> None:
    units = column == "active_units"
    for trace in traces:
        step = min(0.07, 0.45 / len(colours))  # separates equal integers, and stays nearer to them than to the next
        aside = step * list(colours).index(trace.variant) if units else 0.0
        ax.plot(
            trace.samples_seen,
            trace.values[column] + aside,
            color=colours[trace.variant],
            linewidth=0.9,
            marker=".",
            markersize=3,
        )
    ax.set_xscale("log")
    ax.set_xlabel("training samples seen")
    if column == "kl":
        ax.axhline(COLLAPSED, color="#6B6B6B", linewidth=0.8, linestyle=(0, (4, 2)))
        ax.set_yscale("symlog", linthresh=LEAST)
        ax.set_ylim(bottom=0)
        if ax.get_ylim()[1] > FAR:  # one tick a decade would lie over the next
            decades = round(math.log10(ax.get_ylim()[1] / LEAST))
            ax.set_yticks([0.0, *(LEAST * 10.0**i for i in range(0, decades + 1, -(-decades // 6)))])
    elif units:
        low, high = ax.get_ylim()
        if high - low < 2:  # no two integers to mark
            ax.set_ylim(low - 1, high + 1)
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    else:
        ax.set_yscale("symlog", linthresh=COLLAPSED)
        ax.set_ylim(bottom=-COLLAPSED / 4)  # an estimate, which may be below zero


def _rows(trace: Trace) -> list[dict[str, Any]]:
    facts = {"variant": trace.variant, "seed": trace.run.settings["seed"]}
    origin = {"collapsed": trace.collapsed, **provenance(trace.run)}
    return [
        {
            **facts,
            "samples_seen": int(samples_seen),
            **{name: float(values[i]) for name, values in trace.values.items()},
            **origin,
        }
        for i, samples_seen in enumerate(trace.samples_seen)
    ]


def _ended(name: str, traces: list[Trace]) -> dict[str, Any]:
    def spread(column: str, digits: int) -> str:
        values = [float(trace.values[column][-1]) for trace in traces]
        mean, low, high = (
            f"{value:.{digits}f}" if abs(value) < FAR else f"{value:.3g}"
            for value in (float(np.mean(values)), min(values), max(values))
        )
        return f"{mean} [{low}, {high}]"

    return {
        "": name,
        "collapsed": f"{sum(trace.collapsed for trace in traces)} of {len(traces)}",
        "KL": spread("kl", 3),
        "mutual information": spread("mutual_information", 3),
        "active units": spread("active_units", 1),
        "bound": spread("bound", 2),
        "samples": f"{max(int(trace.samples_seen[-1]) for trace in traces):,}",
        "presented": f"{np.mean([trace.values['presented'][-1] for trace in traces]):,.0f}",
    }
