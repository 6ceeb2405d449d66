"""What the weight beta does to the parts of the KL divergence: one line per objective, along beta.

The parts are those of `evaluator=total_correlation`, and the lower bound is that of the same images.
beta-VAE multiplies all three parts by beta, beta-TCVAE and FactorVAE the total correlation alone.
"""

import math
from collections import Counter, defaultdict
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import NullFormatter, NullLocator

from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.learning_curves import curve
from aevb.figures.common.legends import add_legend
from aevb.figures.common.origin import meanings, provenance
from aevb.figures.common.style import dataset, method, number
from aevb.runs.run import Run

__all__ = ["TotalCorrelation"]

PANELS = {
    "total_correlation": "total correlation of z, nats",
    "mutual_information": "mutual information of x and z, nats",
    "bound": "lower bound, nats",
}
OTHERS = {"warm_up": 0, "free_bits": 0, "alpha": 1, "gamma": 1}
"""Settings of the objectives beside beta, and the values with which they differ in what beta multiplies alone."""

SPLITS = {"train": "training", "valid": "validation", "test": "test"}
"""The splits as the text below the figure names them."""


class TotalCorrelation(Figure):
    """Runs with `evaluator=[bound,total_correlation]` that differ in the objective, beta and the seed alone.

    Args:
        split: Split of the evaluations; of several, those of most images.
    """

    name = "total_correlation"
    command = "aevb-train experiment=total_correlation"

    def __init__(self, split: Literal["train", "valid", "test"] = "test") -> None:
        self.split = split

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the largest set of comparable runs, at most one for each objective, beta and seed (see `Figure.wanted`).

        The runs of an objective have the same settings of it but beta; of several such groups, the largest is taken.
        """
        kinds: dict[Any, dict[str, dict[Any, dict[Any, Run]]]] = defaultdict(
            lambda: defaultdict(lambda: defaultdict(dict))
        )
        for run in runs:
            node, name = run.settings["objective"], _objective(run)
            if "beta" not in node or any(node.get(key, value) != value for key, value in OTHERS.items()):
                continue
            evaluations = [_evaluation(run, evaluator, self.split) for evaluator in ("total_correlation", "bound")]
            if not all(evaluations):
                continue
            item = curve(run)
            shared = tuple((key, value) for key, value in item.config_key if not key.startswith("objective."))
            own = tuple(pair for pair in item.config_key if pair not in shared and pair[0] != "objective.beta")
            images = evaluations[0]["n"]  # the parts depend on the number, log n at most
            kind = (item.data, item.latent_dim, item.lr, shared, run.done["samples_seen"], images)
            kinds[kind][name][own].setdefault((name, node["beta"], run.settings["seed"]), run)
        candidates = (
            {key: run for variants in objectives.values() for key, run in max(variants.values(), key=len).items()}
            for objectives in kinds.values()
        )
        best = max(candidates, key=len, default={})
        return [best[key] for key in sorted(best)]

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose the panels and a table of means over seeds (see `Figure.compose`)."""
        rows = [_row(run, self.split) for run in runs]
        images = _evaluation(runs[0], "total_correlation", self.split)["n"]
        canvas = Canvas(figsize=(8.4, 2.9))
        for ax, (name, title) in zip(canvas.subplots(1, len(PANELS)), PANELS.items(), strict=True):
            _panel(ax, rows, name)
            ax.set_title(title)
        canvas.axes[list(PANELS).index("mutual_information")].axhline(math.log(images), color="0.6", linewidth=0.8)
        add_legend(canvas, canvas.axes[0].get_legend_handles_labels()[0], "outside lower center", 3)
        names = (*PANELS, "dimension_kl")
        shown = [
            {
                "objective": method(objective).label,
                "β": f"{beta:g}",
                "seeds": count,
                **{name.replace("_", " "): number(_mean(rows, objective, beta, name)) for name in names},
            }
            for (objective, beta), count in sorted(Counter((row["objective"], row["beta"]) for row in rows).items())
        ]
        first = runs[0]
        text = (
            f"{dataset(first.settings['choices']['data'])}, the first {images:,} "
            f"{SPLITS[self.split]} images, nats per image, {first.done['samples_seen']:,} training "
            f"samples, latent_dim {first.settings['latent_dim']}; means over seeds, each seed a dot. KL = mutual information + total "
            "correlation + KL of the dimensions (dimension kl). The lower bound is that of log p(x), whatever β. Grey line: log n = "
            f"{math.log(images):.2f} nats, the most that the mutual information of n images can be; near it the total correlation is too large."
        )
        return Drawing(rows, canvas, text=f"{text}\n\n{meanings(runs)}\n{markdown_table(shown)}")


def _objective(run: Run) -> str:
    return str(run.settings["choices"]["objective"])


def _evaluation(run: Run, name: str, split: str) -> dict[str, Any]:
    records = [item for item in run.evaluations() if (item["name"], item["split"]) == (name, split)]
    return max(records, key=lambda item: (item["n"], item["settings"].get("samples", 0)), default={})


def _row(run: Run, split: str) -> dict[str, Any]:
    evaluation = _evaluation(run, "total_correlation", split)
    values = {name: entry["mean"] for name, entry in evaluation["values"].items()}
    return {
        "objective": _objective(run),
        "beta": run.settings["objective"]["beta"],
        "seed": run.settings["seed"],
        **values,
        "bound": _evaluation(run, "bound", split)["mean"],
        "split": split,
        "images": evaluation["n"],
        "samples_seen": run.done["samples_seen"],
        **provenance(run),
    }


def _mean(rows: list[dict[str, Any]], objective: str, beta: float, name: str) -> float:
    return float(np.mean([row[name] for row in rows if (row["objective"], row["beta"]) == (objective, beta)]))


def _panel(ax: Axes, rows: list[dict[str, Any]], name: str) -> None:
    for objective in dict.fromkeys(row["objective"] for row in rows):
        own = [row for row in rows if row["objective"] == objective]
        betas = sorted({row["beta"] for row in own})
        label, colour, _ = method(objective)
        ax.plot(betas, [_mean(own, objective, beta, name) for beta in betas], color=colour, label=label)
        ax.plot([row["beta"] for row in own], [row[name] for row in own], "o", color=colour, markersize=3)
    betas = sorted({row["beta"] for row in rows if row["beta"] > 0})
    ax.set_xscale("symlog", linthresh=min(betas, default=1))
    ax.set_xticks(betas, [f"{beta:g}" for beta in betas])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("β")
    ax.margins(y=0.1)
