"""Calibration of q(z|x) of each run, from its evaluation `calibration`: three panels per run.

The first panel shows, for every latent dimension, the empirical distribution function of the ranks minus
that of the uniform distribution (Säilynoja, Bürkner & Vehtari 2022, arXiv 2103.10522); the grey band holds
a calibrated curve with 99 % probability (Kolmogorov). An S that rises first says that q is too narrow, one
that falls first that it is too wide; an arch says that it is biased. The second panel shows the coverage of
the central intervals beside their nominal level, the third the expected coverage of TARP.
"""

import math
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from scipy.special import kolmogi

from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.origin import convention, provenance
from aevb.figures.common.style import dataset
from aevb.runs.run import Run

__all__ = ["Calibration"]

SIZE = (9.2, 2.5)  # of a run's row, inches
LINE, BAND, NOMINAL = "#0072B2", "#E4E4E4", "#6B6B6B"
LEVELS = (50, 80, 90, 95)


class Calibration(Figure):
    """One row of panels per run with this evaluation; runs=outputs/runs/NAME draws one run.

    Args:
        split: The split of the evaluation; of several evaluations, the one of the most simulations is used.
    """

    name = "calibration"
    command = "aevb-train latent_dim=2 max_samples=1e6, then aevb-evaluate run=outputs/runs/NAME evaluator=calibration"

    def __init__(self, split: Literal["train", "valid", "test"] = "test") -> None:
        self.split = split

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the runs with the evaluation `calibration` (see `Figure.wanted`)."""
        return [run for run in runs if self._evaluation(run)]

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose the rows and a table of the verdicts (see `Figure.compose`)."""
        canvas = Canvas(figsize=(SIZE[0], SIZE[1] * len(runs)))
        rows: list[dict[str, Any]] = []
        for part, run in zip(canvas.subfigures(len(runs), 1, squeeze=False)[:, 0], runs, strict=True):
            facts = self._evaluation(run)
            ranks, coverage, tarp = part.subplots(1, 3)
            part.suptitle(f"{run.name}  ({dataset(run.settings['choices']['data'])}): {_short(facts)}", fontsize=10)
            _draw_ranks(ranks, facts)
            _draw_coverage(coverage, facts)
            _draw_tarp(tarp, facts)
            rows += _rows(run, facts)
        text = (
            "Calibration of q(z|x) on data simulated from each model: z* ~ p(z), x* ~ p(x|z*), z* ranked among draws of "
            "q(z|x*). ± is the standard error over simulations. The images of the data set play no part.\n\n"
        )
        return Drawing(rows, canvas, text=text + markdown_table([self._shown(run) for run in runs]))

    def _evaluation(self, run: Run) -> dict[str, Any]:
        matches = [item for item in run.evaluations() if (item["name"], item["split"]) == (self.name, self.split)]
        return max(matches, key=lambda item: item["n"], default={})

    def _shown(self, run: Run) -> dict[str, str]:
        facts = self._evaluation(run)
        values = {level: facts["values"][f"coverage_{level}"] for level in LEVELS}
        return {
            "run": run.name,
            "targets": convention(run),
            "simulations": f"{facts['n']:,}",
            **{
                f"{level} % intervals hold": f"{100 * item['mean']:.1f} ± {100 * item['standard_error']:.1f} %"
                for level, item in values.items()
            },
            "p": f"{facts['p_value']:.2g}",
            "verdict": _short(facts),
        }


def _short(facts: dict[str, Any]) -> str:
    return str(facts["verdict"]).rpartition(": ")[0]


def _draw_ranks(ax: Axes, facts: dict[str, Any]) -> None:
    band = float(kolmogi(0.01)) / math.sqrt(facts["n"])
    ax.axhspan(-band, band, color=BAND, zorder=0)
    edges = np.linspace(0, 1, len(facts["rank_histograms"][0]) + 1)
    for counts in facts["rank_histograms"]:
        ax.plot(edges, np.append(0, np.cumsum(counts)) / sum(counts) - edges, color=LINE, linewidth=0.9, alpha=0.7)
    ax.axhline(0, color=NOMINAL, linewidth=0.6)
    ax.set_xlabel("normalised rank of the true $z_j$")
    ax.set_ylabel("ECDF − uniform")


def _draw_coverage(ax: Axes, facts: dict[str, Any]) -> None:
    for i, level in enumerate(LEVELS):
        item = facts["values"][f"coverage_{level}"]
        ax.bar(
            i, item["mean"], 0.6, yerr=item["standard_error"], color=LINE, error_kw={"elinewidth": 0.8, "capsize": 2}
        )
        ax.plot([i - 0.42, i + 0.42], [level / 100] * 2, color="black", linewidth=1.2)
    ax.set_xticks(range(len(LEVELS)), [f"{level} %" for level in LEVELS])
    ax.set_ylim(0, 1.05)
    ax.set_xlabel("level of the interval (line: nominal)")
    ax.set_ylabel("share of intervals with the true $z_j$")


def _draw_tarp(ax: Axes, facts: dict[str, Any]) -> None:
    levels, covered = np.array(facts["tarp_levels"]), np.array(facts["tarp_coverage"])
    band = float(kolmogi(0.01)) / math.sqrt(facts["n"])
    ax.fill_between(levels, levels - band, levels + band, color=BAND, linewidth=0, zorder=0)
    ax.plot(levels, levels, color=NOMINAL, linewidth=0.6)
    ax.plot(levels, covered, color=LINE, linewidth=1.1)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.set_xlabel("credibility level")
    ax.set_ylabel("expected coverage (TARP)")


def _rows(run: Run, facts: dict[str, Any]) -> list[dict[str, Any]]:
    origin = {"run": run.name, "simulations": facts["n"], "p_value": facts["p_value"]}
    kept = [
        {**origin, "quantity": name, "value": item["mean"], "standard_error": item["standard_error"], **provenance(run)}
        for name, item in facts["values"].items()
    ]
    curve = zip(facts["tarp_levels"], facts["tarp_coverage"], strict=True)
    return kept + [
        {**origin, "quantity": "tarp_coverage", "level": level, "value": value, **provenance(run)}
        for level, value in curve
    ]
