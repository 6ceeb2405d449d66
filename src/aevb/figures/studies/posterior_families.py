"""The families of q(z|x) in section 2.4: final lower bound and importance-sampled log p(x) of each run.

Families with different priors belong to different models. The lower bound shows how well q fits within
a group of the same prior, but not between groups.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.learning_curves import curve, has_fallen
from aevb.figures.common.method_labels import distinct_names
from aevb.figures.common.origin import meanings, provenance
from aevb.figures.common.style import SPARE, estimate
from aevb.runs.run import Run

__all__ = ["PosteriorFamilies"]

COLOURS = ("#0072B2", "#D55E00", *SPARE)
LETTER = 0.062  # width of a letter of a name, inches
APPROACHES = {
    "inverse CDF": "cauchy exponential gompertz gumbel kumaraswamy logistic pareto rayleigh reciprocal weibull",
    "location, scale": "gaussian laplace triangular uniform",
    "composition": "beta chi_squared dirichlet erlang f gamma log_normal student_t",
}


class PosteriorFamilies(Figure):
    """One line per run, named by its family and grouped by prior: lower bound (hollow) and log p(x) (filled) of test images."""

    name = "posterior_families"
    command = "aevb-train experiment=posterior_families"

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the runs that chose a family and have both evaluations (see `Figure.wanted`)."""
        return [run for run in runs if _family(run) and {"bound", "importance"} <= run.done.get("test", {}).keys()]

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose the picture and the table (see `Figure.compose`)."""
        curves = [curve(run) for run in runs]
        names = distinct_names(curves, [_family(run) for run in runs])
        rows = [_row(run, _named(name, run, names)) for run, name in zip(runs, names, strict=True)]
        rows.sort(key=lambda row: -row["bound"])
        priors = list(dict.fromkeys(row["prior"] for row in rows))
        rows.sort(key=lambda row: priors.index(row["prior"]))
        room = LETTER * max(len(row["label"]) for row in rows)  # of the longest name
        canvas = Canvas(figsize=(max(6.5, room + 4.5), 0.19 * len(rows) + 1.1))
        diverged = {run.name for run in runs if has_fallen(run)}
        _panel(canvas.add_subplot(), rows, priors, diverged)
        shown = [
            {
                "family": row["label"],
                "recipe": row["recipe"],
                "prior": row["prior"],
                "bound": estimate(row["bound"], row["bound_error"]),
                "log p(x)": estimate(row["log_px"], row["log_px_error"]),
                "gap": f"{row['log_px'] - row['bound']:.2f}",
                "training, s": f"{row['training_seconds']:.0f}",
            }
            for row in rows
        ]
        text = (
            "Nats per image of the test images evaluated at the end, mean ± standard error over images; log p(x) is "
            "importance-sampled and therefore a lower bound. The gap is their difference.\n\n"
        )
        return Drawing(rows, canvas, text=f"{text}{meanings(runs)}\n{markdown_table(shown)}")


def _family(run: Run) -> str:
    return str(run.settings["choices"].get("model/encoder") or "")


def _named(name: str, run: Run, names: list[str]) -> str:
    return name if names.count(name) == 1 else f"{name}, seed {run.settings['seed']}"


def _row(run: Run, label: str) -> dict[str, Any]:
    test, family = run.done["test"], _family(run)
    return {
        "family": family,
        "label": label,
        "recipe": next((name for name, members in APPROACHES.items() if family in members.split()), ""),
        "prior": run.settings["choices"]["model/prior"],
        "bound": test["bound"]["mean"],
        "bound_error": test["bound"]["standard_error"],
        "log_px": test["importance"]["mean"],
        "log_px_error": test["importance"]["standard_error"],
        "samples_seen": run.done["samples_seen"],
        "training_seconds": run.done["training_seconds"],
        **provenance(run),
    }


def _panel(ax: Axes, rows: list[dict[str, Any]], priors: list[str], diverged: set[str]) -> None:
    named = set()
    for i, row in enumerate(rows):
        colour = COLOURS[priors.index(row["prior"]) % len(COLOURS)]
        label = None if row["prior"] in named else f"prior {row['prior'].replace('_', ' ')}"
        named.add(row["prior"])
        ax.plot([row["bound"], row["log_px"]], [i, i], color=colour, linewidth=1)
        ax.plot(row["bound"], i, "o", color=colour, markerfacecolor="white", markersize=5)
        ax.plot(row["log_px"], i, "o", color=colour, markersize=5, label=label)
    in_view = [row for row in rows if row["run"] not in diverged] or rows  # a run that diverged does not set the scale
    ends = [end for row in in_view for end in (row["bound"], row["log_px"]) if np.isfinite(end)]
    margin = 0.05 * (max(ends) - min(ends)) or 1.0
    ax.set_xlim(min(ends) - margin, max(ends) + margin)
    names = [row["label"].replace("_", " ") + (" (diverged)" if row["run"] in diverged else "") for row in rows]
    ax.set_yticks(range(len(rows)), names)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlabel("nats per test image: lower bound (hollow), importance-sampled log p(x) (filled)")
    ax.grid(axis="both", linewidth=0.3)
    ax.figure.legend(loc="outside right upper")
