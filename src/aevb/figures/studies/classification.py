"""How many images a semi-supervised model gets wrong, along the number of labels: one line for each weight alpha.

The errors are those of `evaluator=classification` by q(y|x). Of the runs of one data set, those that differ in the number
of labels, alpha and the seed alone are shown; of several such sets the largest.
"""

from collections import defaultdict
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import NullFormatter, NullLocator

from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.learning_curves import curve
from aevb.figures.common.legends import add_legend
from aevb.figures.common.origin import provenance
from aevb.figures.common.style import SPARE, dataset
from aevb.runs.run import Run

__all__ = ["Classification"]

VARIED = ("objective.labels", "objective.alpha", "objective.seed")


class Classification(Figure):
    """Runs of `objective=semi_supervised` with `evaluator=classification`.

    Args:
        split: Split of the evaluations; of several, those of most images.
    """

    name = "classification"
    command = "aevb-train experiment=semi_supervised"
    conditional_runs = True

    def __init__(self, split: Literal["train", "valid", "test"] = "test") -> None:
        self.split = split

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the largest set of comparable runs, one for each number of labels, alpha and seed (see `Figure.wanted`)."""
        kinds: dict[Any, dict[Any, Run]] = defaultdict(dict)
        for run in runs:
            node = run.settings["objective"]
            if "labels" not in node or not (evaluation := _evaluation(run, self.split)):
                continue
            item = curve(run)
            shared = tuple(pair for pair in item.config_key if pair[0] not in VARIED)
            kind = (item.data, item.latent_dim, item.lr, shared, run.done["samples_seen"], evaluation["n"])
            kinds[kind].setdefault((node["alpha"], node["labels"], run.settings["seed"]), run)
        best = max(kinds.values(), key=len, default={})
        return [best[key] for key in sorted(best)]

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose the panel and a table of means over seeds (see `Figure.compose`)."""
        rows = [_row(run, self.split) for run in runs]
        canvas = Canvas(figsize=(4.6, 3.2))
        ax = canvas.subplots()
        groups: dict[tuple[float, int], list[float]] = defaultdict(list)
        for row in rows:
            groups[row["alpha"], row["labels"]].append(100 * row["error"])
        for alpha, colour in zip(dict.fromkeys(alpha for alpha, _ in groups), SPARE * len(groups), strict=False):
            labels = [count for other, count in groups if other == alpha]
            means = [np.mean(groups[alpha, count]) for count in labels]
            ax.plot(labels, means, color=colour, label=f"α = {alpha:g}")
            dots = [(count, error) for count in labels for error in groups[alpha, count]]
            ax.plot(*zip(*dots, strict=True), "o", color=colour, markersize=3)
        counts = sorted({count for _, count in groups})
        ax.set_xscale("log")
        ax.set_xticks(counts, [f"{count:,}" for count in counts])
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_ylim(bottom=0)
        ax.set_xlabel("training images with a label")
        ax.set_ylabel(f"wrong {self.split} images, %")
        add_legend(canvas, ax.get_legend_handles_labels()[0], "outside lower center", 3)
        shown = [
            {
                "labels": f"{labels:,}",
                "α": f"{alpha:g}",
                "seeds": len(errors),
                "wrong images, %": f"{np.mean(errors):.2f}",
                "smallest and largest": f"{min(errors):.2f}–{max(errors):.2f}" if len(errors) > 1 else "–",
            }
            for (alpha, labels), errors in sorted(groups.items(), key=lambda item: item[0][::-1])
        ]
        first = runs[0]
        text = (
            f"{dataset(first.settings['choices']['data'])}, {rows[0]['images']:,} images of the {self.split} split, by q(y|x); "
            f"{first.done['samples_seen']:,} training samples, latent_dim {first.settings['latent_dim']}; means over seeds, each "
            "seed a dot."
        )
        return Drawing(rows, canvas, text=f"{text}\n\n{markdown_table(shown)}")


def _evaluation(run: Run, split: str) -> dict[str, Any]:
    records = [
        item
        for item in run.evaluations()
        if (item["name"], item["split"]) == ("classification", split) and item.get("rule") == "classifier"
    ]
    return max(records, key=lambda item: item["n"], default={})


def _row(run: Run, split: str) -> dict[str, Any]:
    evaluation, node = _evaluation(run, split), run.settings["objective"]
    return {
        "labels": node["labels"],
        "alpha": node["alpha"],
        "seed": run.settings["seed"],
        **{name: entry["mean"] for name, entry in evaluation["values"].items()},
        "split": split,
        "images": evaluation["n"],
        "samples_seen": run.done["samples_seen"],
        **provenance(run),
    }
