"""All estimates of log p(x) of one run, compared image by image with the exact value where it is known.

The exact value is from quadrature or enumeration. The evaluations of the same images are paired: the
standard error is that of the mean difference per image, which is far smaller than that of either mean.
A run has the evaluations that aevb-evaluate was asked for. The table gives the direction of each
estimator's bias, and the picture shows the measured difference.
"""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from aevb.data.target_convention import TargetConvention
from aevb.evaluators.partial import read_values
from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.origin import convention, provenance
from aevb.figures.common.style import dataset, estimate
from aevb.runs import layout
from aevb.runs.evaluation_record import read_evaluation
from aevb.runs.likelihood import stated_likelihood
from aevb.runs.run import Run

__all__ = ["Likelihood"]

COLOURS = {"lower bound": "#0072B2", "upper bound": "#D55E00", "exact": "#000000"}
SHOWN = {"log_px": "", "log_px_kde": ", KDE", "log_px_validated": ", validated KDE", "bound": ""}
LABELS = {"upper bound": "upper bound if no mode is missed"}
LINEAR = 0.01  # nats, where the axis of differences turns from linear to logarithmic
GREY = (
    "The targets are grey: log p(x) stands for log ∫ p(z) exp(-cross-entropy) dz, which is no log-mass of x. It bounds "
    "E_b log p(b) over b ~ Bernoulli(x) from below, and is not comparable with tables of binarised images. Images simulated "
    "for BDMC are binary."
)


class Estimate(NamedTuple):
    """One quantity of one evaluation.

    Attributes:
        label: The name of the estimator.
        direction: The direction of its bias with respect to log p(x).
        values: The value of each image, (n,), nats.
        facts: Further columns of the table.
    """

    label: str
    direction: str
    values: np.ndarray
    facts: dict[str, Any]


class Likelihood(Figure):
    """Differences from the exact log p(x) with their standard errors, as a picture, CSV and Markdown."""

    name = "likelihood"
    command = (
        "aevb-train data=digits latent_dim=2, then aevb-evaluate run=DIR 'evaluator=[bound,importance,quadrature]'"
    )

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the runs that have estimates of log p(x) for each image (see `Figure.wanted`)."""
        return [run for run in runs if len(_estimates(run)) > 1]

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose a panel per run with one line per estimate (see `Figure.compose`)."""
        by_run = {run.name: (run, _estimates(run)) for run in runs}
        heights = [1 + len(estimates) for _, estimates in by_run.values()]
        canvas = Canvas(figsize=(6.5, 0.3 + 0.6 * len(by_run) + 0.2 * sum(heights)))
        grid = canvas.add_gridspec(len(by_run), 1, height_ratios=heights)
        rows: list[dict[str, Any]] = []
        texts = []
        titles = [_title(run, estimates) for run, estimates in by_run.values()]
        for i, (run, estimates) in enumerate(by_run.values()):
            own_rows = _rows(run, estimates)
            title = titles[i] if titles.count(titles[i]) == 1 else f"{titles[i]}, {run.name}"
            _panel(canvas.add_subplot(grid[i]), title, own_rows)
            texts.append(_text(run, own_rows + _gaps(run)))
            rows += own_rows + _gaps(run)
        _legend(canvas, {line["side"] for line in rows if "difference" in line} or {line["side"] for line in rows})
        return Drawing(rows, canvas, text="\n".join(texts))


def _estimates(run: Run) -> list[Estimate]:
    """The estimates with a known direction of bias, on the set of images with the most evaluations."""
    sets: dict[tuple[str, int, Any], list[Estimate]] = {}
    targets = TargetConvention.of_run(run.done)
    drawn = targets is not None and targets.kind == "dynamic"  # then the seed of an evaluation draws its images
    for path in layout.evaluation_files(run.directory):
        facts, values = read_evaluation(path), read_values(path.with_suffix(".npz"))
        if values is None or not facts.get("direction"):
            continue
        for name, words in SHOWN.items():
            if name == facts["quantity"] or (name in values and name.startswith(f"{facts['quantity']}_")):
                estimate = Estimate(_label(facts) + words, facts["direction"], values[name], facts)
                images = facts["split"], facts["n"], facts.get("seed") if drawn else None
                sets.setdefault(images, []).append(estimate)
    if not sets:
        return []
    most = max(sets, key=lambda images: len(sets[images]))
    return sorted(sets[most], key=_order)


def _order(estimate: Estimate) -> tuple[Any, ...]:
    kinds = ("quadrature", "enumeration", "bound", "importance", "ais", "reciprocal")
    name, settings = estimate.facts["name"], estimate.facts["settings"]
    budget = settings.get("samples", 0), settings.get("temperatures", 0), settings.get("chains", 0)
    return kinds.index(name) if name in kinds else len(kinds), budget, estimate.label


def _label(facts: dict[str, Any]) -> str:
    name, settings = facts["name"], facts["settings"]
    if name == "importance":
        share = f", {settings['prior_share']:.0%} from the prior" if "prior_share" in settings else ""
        annealed = f", {settings['annealed']} annealed draws" if "annealed" in settings else ""
        return f"importance, K = {settings['samples']:,}{annealed}{share}"
    if name in ("ais", "bdmc"):
        start = "" if settings["start"] == "prior" else ", from q"
        return f"{name.upper()}, T = {settings['temperatures']:,}, {settings['chains']} chains{start}"
    if name == "reciprocal":
        start = f"T = {settings['temperatures']:,}" if settings["temperatures"] else "from q"
        return f"appendix D, {start}, {settings['chains']} {'chain' if settings['chains'] == 1 else 'chains'}"
    return name


def _rows(run: Run, estimates: list[Estimate]) -> list[dict[str, Any]]:
    truth = next((item.values for item in estimates if item.direction == "exact"), None)
    rows = []
    for item in estimates:
        n = len(item.values)
        row = {
            "estimator": item.label,
            "side": item.direction,
            "split": item.facts["split"],
            "n": n,
            "mean": item.values.mean(),
            "standard_error": _standard_error(item.values),
        }
        if truth is not None and item.direction != "exact":
            difference = item.values - truth
            row |= {
                "difference": difference.mean(),
                "difference_standard_error": _standard_error(difference),
                "largest_difference": difference[np.abs(difference).argmax()],
                "median_difference": np.median(difference),
                "share_beyond_one_nat": (np.abs(difference) > 1).mean(),
            }
        rows.append(row | _diagnostics(item.facts) | provenance(run))
    return rows


def _standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.nan


def _gaps(run: Run) -> list[dict[str, Any]]:
    """The gaps from BDMC, which uses simulated images."""
    rows = []
    for facts in run.evaluations():
        if facts["name"] == "bdmc":
            row = {"estimator": f"{_label(facts)}: gap", "side": "", "split": "simulated", "n": facts["n"]}
            row |= {"mean": facts["mean"], "standard_error": facts["standard_error"]}
            rows.append(row | _diagnostics(facts) | provenance(run))
    return rows


def _diagnostics(facts: dict[str, Any]) -> dict[str, Any]:
    means = {name: value["mean"] for name, value in facts["values"].items()}
    kept = {name: means.get(name) for name in ("error", "effective_samples", "pareto_k", "rise", "acceptance")}
    return {**kept, "seconds": facts.get("seconds"), "cpu_seconds": facts.get("cpu_seconds"), "seed": facts.get("seed")}


def _title(run: Run, estimates: list[Estimate]) -> str:
    n, split = len(estimates[0].values), estimates[0].facts["split"]
    return (
        f"{dataset(str(run.settings['choices']['data']))}, $N_z = {run.settings['latent_dim']}$: {n:,} {split} images"
    )


def _panel(ax: Axes, title: str, rows: list[dict[str, Any]]) -> None:
    paired = any("difference" in row for row in rows)
    shown = [row for row in rows if not paired or "difference" in row]
    value, error = ("difference", "difference_standard_error") if paired else ("mean", "standard_error")
    for i, row in enumerate(shown):
        colour = COLOURS[row["side"]]
        ax.errorbar(row[value], i, xerr=2 * row[error], fmt="o", color=colour, markersize=3.5, capsize=2, linewidth=1)
    if paired:
        ax.axvline(0, color=COLOURS["exact"], linewidth=0.8)
        ax.set_xscale("symlog", linthresh=LINEAR)
    ax.set_yticks(range(len(shown)), [row["estimator"] for row in shown])
    ax.set_ylim(len(shown) - 0.5, -0.5)
    ax.set_xlabel("nats per image from the exact log p(x), ± 2 standard errors" if paired else "nats per image")
    ax.set_title(title)


def _legend(canvas: Canvas, sides: set[str]) -> None:
    handles = [
        Line2D([], [], color=colour, marker="o", linewidth=0, markersize=3.5, label=LABELS.get(side, side))
        for side, colour in COLOURS.items()
        if side in sides
    ]
    canvas.legend(handles=handles, loc="outside lower center", ncols=len(handles))


def _text(run: Run, rows: list[dict[str, Any]]) -> str:
    table = markdown_table([_shown(row) for row in rows])
    head = f"{run.name}, {run.done['samples_seen']:,} samples seen, targets {convention(run)}; nats per image."
    targets = TargetConvention.of_run(run.done)
    grey = targets is not None and targets.kind == "grey" and stated_likelihood(run.settings) == "bernoulli"
    note = f"\n{GREY}\n" if grey else ""
    return f"{head}\n\n{table}{note}"


def _shown(row: dict[str, Any]) -> dict[str, str]:
    def number(key: str, digits: int = 3, sign: str = "") -> str:
        value = row.get(key)
        return "–" if value is None else f"{value:{sign}.{digits}f}"

    difference = estimate(row.get("difference"), row.get("difference_standard_error"), "+.4f")
    return {
        "estimator": row["estimator"],
        "side": row["side"] or "–",
        "mean ± s.e.": estimate(row["mean"], row["standard_error"], ".3f"),
        "paired difference to the exact ± s.e.": difference,
        "largest difference": number("largest_difference", 3, "+"),
        "ESS": number("effective_samples", 1),
        "Pareto k": number("pareto_k", 2),
        "acceptance": number("acceptance", 2),
        "CPU seconds": number("cpu_seconds", 1),
    }
