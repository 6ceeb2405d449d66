"""Common mistakes in numbers: what a mistaken run reports, and what the correct evaluators give.

There is one line per run of aevb-train pitfall=... . A hollow symbol is the reported value, from the run's
own training curve or from a mistaken evaluator. Filled symbols are the lower bound and log p(x) of the whole
test split. The KL divergence, the mutual information and the active units are shown beside them.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from aevb.config import pitfall_of
from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.origin import convention, meanings, provenance
from aevb.figures.common.style import estimate, number
from aevb.runs.run import Run

__all__ = ["Pitfalls"]

PITFALL_PREFIX = "pitfall_"
RIGHT, WRONG, KL, INFORMATION = "#0072B2", "#D55E00", "#009E73", "#000000"
LINE = 0.29  # height of a run's line, inches
MARGIN = 2.0  # nats shown beyond the runs that have not diverged
FAR = 50.0  # nats from the right bound: a claim beyond is shown at the edge, with its number


class Pitfalls(Figure):
    """Runs with a pitfall in their config, below the runs without one (pitfall=right)."""

    name = "pitfalls"
    command = "aevb-train -m 'pitfall=glob(*)'"

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the runs with and without a pitfall; an empty list if no run has one.

        See `Figure.wanted`.
        """
        evaluated = [run for run in runs if _evaluation(run, "bound") and _evaluation(run, "information")]
        names = [run for run in evaluated if pitfall(run)]
        plain = [run for run in evaluated if not pitfall(run)]
        plain.sort(key=lambda run: -_evaluation(run, "bound")["mean"])
        return [*plain, *names] if names else []

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose the lines and the table (see `Figure.compose`)."""
        rows = [_row(run) for run in runs]
        canvas = Canvas(figsize=(9.2, LINE * len(rows) + 1.0))
        nats, use = canvas.subplots(1, 2, sharey=True, width_ratios=(1.9, 1))
        nats.set_yticks(range(len(rows)), [row["mistake"].replace("_", " ") for row in rows])
        nats.set_ylim(len(rows) - 0.4, -0.6)
        _nats(nats, rows)
        _use(use, rows)
        canvas.legend(loc="outside upper center", ncols=5)
        text = (
            "Nats per image over the whole test split, ± standard error. Claimed: the end of the run's own training curve, or "
            f"what the mistaken evaluator says; the rest is measured by the right ones.\n\n{meanings(runs)}\n"
        )
        return Drawing(rows, canvas, text=text + markdown_table([_shown(row) for row in rows]))


def pitfall(run: Run) -> str:
    """Return the name of the mistake in the config of a run.

    Args:
        run: A finished run.

    Returns:
        The name; empty if there is none.
    """
    nodes = [run.settings[group] for group in ("data", "objective", "optimizer")]
    nodes += run.settings["evaluator"].values()
    return next((name for node in nodes if (name := pitfall_of(node))), "")


def _evaluation(run: Run, name: str) -> dict[str, Any]:
    return next((item for item in run.evaluations() if item["name"] == name and item["split"] == "test"), {})


def _row(run: Run) -> dict[str, Any]:
    mistake, origin = pitfall(run), provenance(run)
    mistaken = _evaluation(run, PITFALL_PREFIX + mistake)
    information, bound, importance = (_evaluation(run, name) for name in ("information", "bound", "importance"))
    values = information["values"]
    plain = f"right ({run.settings['choices']['optimizer']})"
    return {
        "mistake": mistake or plain,
        "run": origin.pop("run"),
        "claimed_quantity": mistaken.get("quantity", "claimed_bound" if mistake else "train_bound"),
        "claimed": mistaken.get("mean", float(run.metrics()["train_bound"][-1])),
        "test_bound": bound["mean"],
        "test_bound_standard_error": bound["standard_error"],
        "test_log_px": importance.get("mean", np.nan),
        "importance_samples": importance.get("settings", {}).get("samples"),
        "test_kl": values["kl"]["mean"],
        "mutual_information": values["mutual_information"]["mean"],
        "active_units": information["active_units"],
        "verdict": information["verdict"].partition(":")[0],
        "targets": convention(run),
        **origin,
    }


def _nats(ax: Axes, rows: list[dict[str, Any]]) -> None:
    is_first_right = rows[0]["mistake"].startswith("right (")
    right = rows[0]["test_bound"] if is_first_right else max(row["test_bound"] for row in rows)
    honest = [row["test_bound"] for row in rows if abs(row["test_bound"] - right) < FAR]
    claims = [row["claimed"] for row in rows if _of_px(row) and abs(row["claimed"] - right) < FAR]
    low, high = min([*honest, *claims]) - MARGIN, max([*honest, *claims]) + MARGIN
    for i, row in enumerate(rows):
        _dot(ax, i, row["test_bound"], (low, high), color=RIGHT, marker="o", label="lower bound")
        _dot(
            ax,
            i,
            row["test_log_px"],
            (low, high),
            color=RIGHT,
            marker="|",
            markersize=11,
            label="log p(x) (importance sampling)",
        )
        if _of_px(row):
            _dot(ax, i, row["claimed"], (low, high), color=WRONG, marker="o", fillstyle="none", label="claimed")
    ax.axvline(right, color=RIGHT, linewidth=0.5, zorder=0)
    ax.set_xlim(low, high)
    ax.set_xlabel("nats per test image")


def _of_px(row: dict[str, Any]) -> bool:
    """Whether the reported value is a lower bound or a log p(x)."""
    return "information" not in row["claimed_quantity"]


def _dot(ax: Axes, i: int, value: float, ends: tuple[float, float], label: str, **style: Any) -> None:
    if ends[0] <= value <= ends[1]:
        ax.plot(value, i, linestyle="", label=_once(ax, label), **style)
    elif not np.isnan(value):
        left = value < ends[0]
        edge, words = (ends[0], f"  ← {value:,.3g}") if left else (ends[1], f"{value:,.3g} →  ")
        if not any(item.get_position() == (edge, i) for item in ax.texts):  # the table has the second number there
            ax.text(edge, i, words, color=style["color"], fontsize=8, ha="left" if left else "right", va="center")


def _use(ax: Axes, rows: list[dict[str, Any]]) -> None:
    shown = [row["test_kl"] for row in rows if row["test_kl"] < FAR]
    ends = (-0.1, 1.35 * max(shown, default=1.0))
    for i, row in enumerate(rows):
        _dot(ax, i, row["test_kl"], ends, color=KL, marker="s", label="KL")
        # Another colour than that of the KL, on which it lies where q(z) is the prior.
        _dot(ax, i, row["mutual_information"], ends, color=INFORMATION, marker="x", label="mutual information")
        if not _of_px(row):
            _dot(ax, i, row["claimed"], ends, color=WRONG, marker="o", fillstyle="none", label="claimed")
        units = row["verdict"] if row["verdict"] == "diverged" else row["active_units"]
        ax.text(1.06, i, f"{units}", transform=ax.get_yaxis_transform(), fontsize=8, va="center")
    ax.set_xlim(ends)
    ax.text(1.06, -1.0, "active\nunits", transform=ax.get_yaxis_transform(), fontsize=8, va="bottom")
    ax.set_xlabel("nats per test image")
    ax.tick_params(labelleft=False)


def _once(ax: Axes, label: str) -> str:
    canvas = ax.figure
    known = {item.get_label() for each in canvas.axes for item in each.lines}
    return "_" if label in known else label


def _shown(row: dict[str, Any]) -> dict[str, str]:
    return {
        "mistake": row["mistake"],
        "claimed": number(row["claimed"]) + ("" if _of_px(row) else " (information)"),
        "lower bound": estimate(row["test_bound"], row["test_bound_standard_error"]),
        "log p(x)": number(row["test_log_px"])
        + (f" (K = {row['importance_samples']})" if row["importance_samples"] else ""),
        "KL": number(row["test_kl"]),
        "mutual information": number(row["mutual_information"]),
        "active units": str(row["active_units"]),
        "verdict": row["verdict"],
        "run": row["run"],
    }
