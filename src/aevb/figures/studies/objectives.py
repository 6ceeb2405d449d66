"""Every objective in one setting: lower bound, log p(x), the information in z, and the cost.

Runs are grouped by data set, targets, model and latent_dim, and are ordered by log p(x) within a group.
If a run has several evaluations of a kind, the one of the most images is used; of these, the one with
the most samples.
"""

from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.learning_curves import Curve, curve
from aevb.figures.common.method_labels import labels
from aevb.figures.common.origin import convention, meanings, provenance
from aevb.figures.common.style import dataset, estimate, number
from aevb.runs.run import Run

__all__ = ["Objectives"]

LIKELIHOODS = ("importance", "ais", "quadrature", "enumeration")  # in order of preference
BOUND, LIKELIHOOD = "#0072B2", "#D55E00"
# Nats below the best of a panel; values further off are written at its edge, so that the others stay readable.
REACH = 100.0


class Objectives(Figure):
    """The table, and a picture of the lower bound and log p(x) of each run with two standard errors."""

    name = "objectives"
    command = "aevb-train experiment=compare_objectives"

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the finished runs with a lower bound or log p(x) of the test split (see `Figure.wanted`)."""
        return [run for run in runs if _evaluation(run, "bound") or _likelihood(run)]

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose one row per run; several seeds of one configuration are separate rows (see `Figure.compose`)."""
        settings: dict[tuple[Any, ...], list[Curve]] = {}
        for item in map(curve, runs):
            settings.setdefault((item.data, convention(item.run), _model(item.run), item.latent_dim), []).append(item)
        # Runs are named within a setting; the title states what distinguishes the settings.
        rows = [
            _row(item, labels(group)[item.data, item.config_key].replace("objective.", ""))
            for group in settings.values()
            for item in group
        ]
        rows.sort(key=lambda row: (*_setting(row), -_order(row), row["seed"]))
        text = (
            "Nats per image of the test split, ± standard error over images; log p(x) by the estimator named, a lower bound in "
            "expectation if that is importance sampling or AIS, of the first n images; KL and mutual information as in "
            "figure=diagnosis; an active unit's posterior mean has a variance over images above 0.01. Seconds are of training "
            "alone, on the machine of the run, with whatever else it did.\n\n"
        )
        return Drawing(
            rows, _draw(rows), text=f"{text}{meanings(runs)}\n{markdown_table([_shown(row) for row in rows])}"
        )


def _model(run: Run) -> str:
    return str(run.settings["choices"]["model"])


def _setting(row: dict[str, Any]) -> tuple[Any, ...]:
    """What the runs of a panel have in common: only their numbers may be compared."""
    return row["data"], row["targets"], row["model"], row["latent_dim"]


def _order(row: dict[str, Any]) -> float:
    quality = row["log_px"] if row["log_px"] is not None else row["bound"]
    return float("-inf") if quality is None else float(quality)


def _evaluation(run: Run, name: str) -> dict[str, Any]:
    records = [item for item in run.evaluations() if (item["name"], item["split"]) == (name, "test")]
    return max(records, key=lambda item: (item["n"], item["settings"].get("samples", 0)), default={})


def _likelihood(run: Run) -> dict[str, Any]:
    return next((record for name in LIKELIHOODS if (record := _evaluation(run, name))), {})


def _row(item: Curve, label: str) -> dict[str, Any]:
    run = item.run
    bound, likelihood, information = _evaluation(run, "bound"), _likelihood(run), _evaluation(run, "information")
    value = information.get("values", bound.get("values", {}))
    dimensions = information.get("kl_per_dimension")
    seconds, samples = run.done["training_seconds"], run.done["samples_seen"]
    return {
        "data": run.settings["choices"]["data"],
        "targets": convention(run),
        "model": _model(run),
        "latent_dim": run.settings["latent_dim"],
        "method": label,
        "seed": run.settings["seed"],
        "optimizer": run.settings["choices"]["optimizer"],
        "lr": item.lr,
        "samples_seen": samples,
        "bound": bound.get("mean"),
        "bound_standard_error": bound.get("standard_error"),
        "bound_n": bound.get("n"),
        "log_px": likelihood.get("mean"),
        "log_px_standard_error": likelihood.get("standard_error"),
        "log_px_n": likelihood.get("n"),
        "estimator": likelihood.get("name"),
        "estimator_samples": likelihood.get("settings", {}).get("samples"),
        "kl": value.get("kl", {}).get("mean"),
        "mutual_information": value.get("mutual_information", {}).get("mean"),
        "ceiling": information.get("ceiling"),
        "active_units": information.get("active_units"),
        "units": None if dimensions is None else len(dimensions),
        "seconds_per_million": 1e6 * seconds / samples if samples else None,
        **provenance(run),
    }


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    draws = f", K = {row['estimator_samples']:,}" if row["estimator_samples"] else ""
    return {
        "method": row["method"],
        "model, latent_dim": f"{row['model']}, {row['latent_dim']}",
        "data": f"{dataset(row['data'])}, {row['targets']}",
        "optimizer": row["optimizer"] if row["lr"] is None else f"{row['optimizer']}, {row['lr']:g}",
        "seed": row["seed"],
        "samples seen": f"{row['samples_seen']:,}",
        "bound": _with_error(row, "bound"),
        "log p(x)": _with_error(row, "log_px"),
        "by": f"{row['estimator']}{draws}, n = {row['log_px_n']:,}" if row["estimator"] else "–",
        "KL": number(row["kl"]),
        "mutual information": number(row["mutual_information"]),
        "active units": "–" if row["active_units"] is None else f"{row['active_units']} of {row['units']}",
        "s / 1e6 samples": number(row["seconds_per_million"]),
    }


def _with_error(row: dict[str, Any], key: str) -> str:
    return estimate(row[key], row[f"{key}_standard_error"])


def _draw(rows: list[dict[str, Any]]) -> Canvas:
    groups = [list(group) for _, group in groupby(rows, key=_setting)]
    heights = [0.3 + 0.24 * len(group) for group in groups]
    canvas = Canvas(figsize=(7.2, 0.7 + sum(heights) + 0.4 * len(groups)), layout="constrained")
    axes = canvas.subplots(len(groups), 1, squeeze=False, height_ratios=heights)[:, 0]
    for ax, group in zip(axes, groups, strict=True):
        _panel(ax, group)
    axes[-1].set_xlabel("nats per image, ± 2 standard errors over images")
    canvas.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return canvas


def _far(value: float) -> str:
    return f"{value:,.0f}" if abs(value) < 1e9 else f"{value:.3g}"


def _names(group: list[dict[str, Any]]) -> list[str]:
    """The methods; those that stand there twice with the learning rate, the seed or the run by which they differ."""
    names = [row["method"] for row in group]
    for key, form in (("lr", "lr {:g}"), ("seed", "seed {}"), ("run", "{}")):
        alike = {name: {row[key] for row, other in zip(group, names, strict=True) if other == name} for name in names}
        names = [
            f"{name}, {form.format(row[key])}" if len(alike[name]) > 1 and row[key] is not None else name
            for row, name in zip(group, names, strict=True)
        ]
    return names


def _panel(ax: Axes, group: list[dict[str, Any]]) -> None:
    heights = np.arange(len(group))[::-1]
    edge = max((row[key] for row in group for key in ("bound", "log_px") if row[key] is not None), default=0.0) - REACH
    for key, colour, marker, label in (("bound", BOUND, "o", "lower bound"), ("log_px", LIKELIHOOD, "D", "log p(x)")):
        shown = [
            (height, row)
            for height, row in zip(heights, group, strict=True)
            if row[key] is not None and row[key] > edge
        ]
        values = [row[key] for _, row in shown]
        errors = [2 * row[f"{key}_standard_error"] for _, row in shown]
        ax.errorbar(
            values,
            [height for height, _ in shown],
            xerr=errors,
            fmt=marker,
            color=colour,
            markersize=4,
            elinewidth=0.8,
            label=label,
        )
    for height, row in zip(heights, group, strict=True):
        far = [_far(row[key]) for key in ("bound", "log_px") if row[key] is not None and row[key] <= edge]
        if far:
            ax.annotate(
                f"◂ {', '.join(far)}", (0.01, height), xycoords=("axes fraction", "data"), va="center", fontsize=8
            )
    ax.set_yticks(heights, _names(group))
    ax.set_ylim(-0.6, len(group) - 0.4)
    ax.grid(axis="x", linewidth=0.3)
    first = group[0]
    targets = first["targets"].partition(",")[0]
    setting = f"{dataset(first['data'])}, {targets}; model={first['model']}, $N_z$ = {first['latent_dim']}"
    ax.set_title(setting, loc="left")
