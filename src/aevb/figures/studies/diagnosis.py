"""The parts of a run's bound: four panels per run, from its evaluations `information` and `inference_gap`.

The panels show the decomposition of the KL divergence, with the upper limit log N of the mutual
information; the KL of each latent dimension, with hollow bars for inactive units; the log-variances of
q(z|x); and the inference gap, divided into the approximation gap and the amortisation gap. A bar is the
mean over images, and its whisker is the standard error.
"""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from aevb.estimators.mutual_information import is_near_ceiling
from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.origin import convention, meanings, provenance
from aevb.figures.common.style import dataset, estimate, number
from aevb.runs.run import Run

__all__ = ["Diagnosis"]

KL, PART, OTHER, EDGE = "#0072B2", "#56B4E9", "#E69F00", "#6B6B6B"
NAMES = {"kl": "KL", "mutual_information": "mutual\ninformation", "marginal_kl": "KL(q(z) ‖ p(z))"}
GAPS = {"amortisation_gap": ("amortisation", "#009E73"), "approximation_gap": ("approximation", "#CC79A7")}
SIZE = (10.4, 2.35)  # of a run's row, inches
ABOVE: dict[str, Any] = {
    "textcoords": "offset points",
    "horizontalalignment": "center",
    "verticalalignment": "bottom",
    "fontsize": 8,
}
LINE: dict[str, Any] = {"color": EDGE, "linewidth": 0.8, "linestyle": (0, (4, 2))}


class Diagnosis(Figure):
    """One row of panels per run with these evaluations; runs=outputs/runs/NAME draws one run.

    Args:
        split: The split of the evaluations; of several evaluations, the one of the most images is used.
    """

    name = "diagnosis"
    command = (
        "aevb-train 'evaluator=[bound,importance,information]' latent_dim=20 max_samples=1e6, "
        "then aevb-evaluate run=outputs/runs/NAME 'evaluator=[information,inference_gap]' num_images=1000"
    )

    def __init__(self, split: Literal["train", "valid", "test"] = "test") -> None:
        self.split = split

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the runs with the evaluation `information` (see `Figure.wanted`)."""
        return [run for run in runs if self._evaluation(run, "information")]

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose the rows and a table of the verdicts (see `Figure.compose`)."""
        canvas = Canvas(figsize=(SIZE[0], SIZE[1] * len(runs)))
        rows: list[dict[str, Any]] = []
        for part, run in zip(canvas.subfigures(len(runs), 1, squeeze=False)[:, 0], runs, strict=True):
            information, gap = self._evaluation(run, "information"), self._evaluation(run, "inference_gap")
            surgery, units, spread, split = part.subplots(1, 4, width_ratios=(1.25, 1.5, 1, 1.25))
            _fit(part.suptitle(_title(run, information), fontsize=10), SIZE[0])
            _surgery(surgery, information)
            _units(units, information)
            _spread(spread, information)
            _gaps(split, gap)
            for evaluation in filter(None, (information, gap)):
                rows += _rows(run, evaluation)
        text = (
            f"ELBO surgery and inference gap, nats per image over the {self.split} split; ± standard error over images. Mutual "
            "information is that of the N images: at most log N, too small for the population; KL(q(z) ‖ p(z)) too large by as "
            "much. A unit is active if the variance over images of its posterior mean is above 0.01.\n\n"
        )
        return Drawing(
            rows, canvas, text=f"{text}{meanings(runs)}\n{markdown_table([self._shown(run) for run in runs])}"
        )

    def _evaluation(self, run: Run, name: str) -> dict[str, Any]:
        records = [item for item in run.evaluations() if (item["name"], item["split"]) == (name, self.split)]
        return max(records, key=lambda item: item["n"], default={})

    def _shown(self, run: Run) -> dict[str, str]:
        information, gap = self._evaluation(run, "information"), self._evaluation(run, "inference_gap")
        return {
            "run": run.name,
            "targets": convention(run),
            "N": f"{information['n']:,}",
            **{name: _number(information, name) for name in ("bound", "kl", "mutual_information")},
            "log N": f"{information['ceiling']:.2f}",
            "KL(q(z) ‖ p(z))": _number(information, "marginal_kl"),
            "active units": f"{information['active_units']} of {len(information['kl_per_dimension'])}",
            "verdict": information["verdict"].partition(":")[0],
            **{f"{name} gap": _number(gap, key) for key, (name, _) in GAPS.items()},
            "N of the gaps": f"{gap['n']:,}" if gap else "–",
        }


def _title(run: Run, information: dict[str, Any]) -> str:
    bound, reconstruction, kl = (information["values"][name]["mean"] for name in ("bound", "reconstruction", "kl"))
    text = (
        f"{run.name}  ({dataset(run.settings['choices']['data'])}, {convention(run)}, N = {information['n']:,}):  "
        f"bound {number(bound)} = reconstruction {number(reconstruction)} − KL {number(kl)} nats"
    )
    return text.replace(" -", " −")


def _fit(title: Text, width: float) -> None:
    # A name of a run may be longer than its row of panels is wide: the title is made smaller, and broken where that is too small.
    figure = title.get_figure(root=True)
    assert figure is not None
    room = 0.98 * width * figure.dpi / title.get_window_extent().width
    if room < 0.8:
        title.set_text(title.get_text().replace(":  bound", ":\nbound"))
        room = 0.98 * width * figure.dpi / title.get_window_extent().width
    title.set_fontsize(float(title.get_fontsize()) * min(1.0, room))


def _surgery(ax: Axes, information: dict[str, Any]) -> None:
    ceiling = information["ceiling"]
    for i, (key, colour) in enumerate(zip(NAMES, (KL, PART, OTHER), strict=True)):
        item = information["values"][key]
        mean, error = item["mean"], item["standard_error"]
        ax.bar(i, mean, 0.62, yerr=error, color=colour, error_kw={"elinewidth": 0.8, "capsize": 2})
        near = {"mutual_information": "≥ ", "marginal_kl": "≤ "} if _at_ceiling(information) else {}
        ax.annotate(f"{near.get(key, '')}{number(mean)}", (i, max(mean + np.nan_to_num(error), 0)), (0, 2), **ABOVE)
    ax.axhline(ceiling, label=f"log N = {ceiling:.2f}, ceiling of information", **LINE)
    ax.legend(loc="upper right", fontsize=8)
    ax.axhline(0, color="black", linewidth=0.6)
    ax.set_xticks(range(3), list(NAMES.values()))
    ax.set_xlim(-0.5, 2.5)
    ax.set_ylim(top=1.35 * max(ceiling, information["values"]["kl"]["mean"]))
    ax.set_ylabel("nats per image")
    ax.set_title("KL = information + mismatch")


def _at_ceiling(information: dict[str, Any]) -> bool:
    return is_near_ceiling(information["values"]["mutual_information"]["mean"], information["ceiling"])


def _units(ax: Axes, information: dict[str, Any]) -> None:
    pairs = sorted(zip(information["kl_per_dimension"], information["variance_of_mean"], strict=True), reverse=True)
    for label, colour, active in (("active", KL, True), ("not active", "white", False)):
        at = {i: kl for i, (kl, variance) in enumerate(pairs) if (variance > information["active_above"]) == active}
        if at:
            ax.bar(list(at), list(at.values()), color=colour, edgecolor=KL, linewidth=0.6, label=f"{len(at)} {label}")
    ax.legend(loc="upper right", handlelength=1, fontsize=8)
    ax.set_xlim(-0.7, len(pairs) - 0.3)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))  # dimensions are counted, few of them too
    highest = max((kl for kl, _ in pairs if np.isfinite(kl)), default=0.0)
    ax.set_ylim(top=1.45 * max(highest, 1e-3))  # room for the legend: all bars may be of one height
    ax.set_xlabel("latent dimension, by KL")
    ax.set_title("KL by dimension (nats)")


def _spread(ax: Axes, information: dict[str, Any]) -> None:
    counts, edges = information["log_var_histogram"]["counts"], information["log_var_histogram"]["edges"]
    share = [count / sum(counts) for count in counts]
    ax.stairs(share, edges, fill=True, color=PART)
    ax.axvline(0, label="that of p(z)", **LINE)
    opaque = {"frameon": True, "framealpha": 1, "edgecolor": "none", "borderpad": 0.1}  # it lies over the line at 0
    ax.legend(loc="upper left", fontsize=8, **opaque)
    ax.set_ylim(0, 1.35 * max(share))  # room for the legend above the bars
    ax.set_xlabel("log-variance, all images and dimensions")
    ax.set_ylabel("share")
    ax.set_title("log σ² of q(z|x)")


def _gaps(ax: Axes, gap: dict[str, Any]) -> None:
    ax.set_title("log p(x) − bound (nats)")
    if not gap:
        ax.set_axis_off()
        hint = "not measured:\naevb-evaluate run=…\nevaluator=inference_gap"
        ax.text(0.5, 0.5, hint, transform=ax.transAxes, horizontalalignment="center", verticalalignment="center")
        return
    below = 0.0
    for key, (name, colour) in GAPS.items():
        item = gap["values"][key]
        mean, error = item["mean"], item["standard_error"]
        ax.bar(0, mean, 0.5, bottom=below, yerr=error, color=colour, error_kw={"elinewidth": 0.8, "capsize": 2})
        ax.annotate(f"{name}\n{number(mean)}", (0.3, below + mean / 2), (2, 0), textcoords="offset points", va="center")
        below += mean
    ax.annotate(f"{number(below)}", (0, below), (0, 5), **ABOVE)
    ax.axhline(0, color="black", linewidth=0.6)
    ax.set_xlim(-0.45, 1.15)
    ax.margins(y=0.15)
    ax.set_xticks([0], [f"N = {gap['n']:,}"])


def _number(evaluation: dict[str, Any], name: str) -> str:
    if not evaluation:
        return "–"
    item = evaluation["values"][name]
    return estimate(item["mean"], item["standard_error"])


def _rows(run: Run, evaluation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    facts = {"split": evaluation["split"], "n": evaluation["n"], "targets": convention(run), **provenance(run)}
    for name, item in evaluation["values"].items():
        error = item["standard_error"]
        yield {"quantity": name, "dimension": None, "value": item["mean"], "standard_error": error, **facts}
    if "ceiling" in evaluation:
        yield {"quantity": "log_n", "dimension": None, "value": evaluation["ceiling"], **facts}
        for name in ("kl_per_dimension", "variance_of_mean"):
            for j, value in enumerate(evaluation[name]):
                yield {"quantity": name, "dimension": j, "value": value, **facts}
        histogram = evaluation["log_var_histogram"]
        for low, count in zip(histogram["edges"], histogram["counts"], strict=False):
            yield {"quantity": "log_var_count", "from": low, "value": count, **facts}
