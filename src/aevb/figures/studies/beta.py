"""The effect of the weight on the KL divergence: reconstruction against KL (distortion and rate) along beta.

Both are measured on the test images at the end of each run, at the run's own q. The lower bound is their
difference and is constant along the dotted lines of slope one. Training with beta = 1 maximises it. Samples
from each model are shown beside the curve.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from aevb.config import pitfall_of
from aevb.data.image_grid import image_grid
from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.images import GAP, show
from aevb.figures.common.learning_curves import curve
from aevb.figures.common.origin import meanings, provenance
from aevb.figures.common.style import KL_WEIGHTED, dataset, method
from aevb.noise import Noise
from aevb.runs.run import Run
from aevb.types import PositiveInt, Seed

__all__ = ["Beta"]


class Beta(Figure):
    """The curve on the left, and on the right a row of samples per beta.

    Args:
        samples: The number of samples in a row.
        seed: The seed of the draws z ~ p(z), which are the same for every beta.
    """

    name = "beta"
    command = "aevb-train experiment=beta"

    def __init__(self, samples: PositiveInt = 10, seed: Seed = 0) -> None:
        self.samples, self.seed = samples, seed

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return comparable runs whose objective has a beta and whose metrics have both parts of the bound.

        They differ in beta, and in the estimator of the same loss, alone; a warm-up, free bits, or a beta of the total
        correlation alone make another loss. None has a pitfall there. Of several such groups, the one with the most values
        of beta is taken, and the lowest seed of those (see `Figure.wanted`).
        """
        selected = [
            run
            for run in runs
            if "beta" in run.settings["objective"]
            and not pitfall_of(run.settings["objective"])
            and np.isfinite(run.metrics()["test_kl"][-1])
        ]
        kinds: dict[Any, dict[float, Run]] = {}
        for run in sorted(selected, key=lambda run: run.settings["seed"]):
            item = curve(run)
            shared = tuple((key, value) for key, value in item.config_key if not key.startswith("objective."))
            name = str(run.settings["choices"]["objective"])
            others = tuple(
                run.settings["objective"].get(key) or 0 for key in ("warm_up", "free_bits", "alpha", "gamma")
            )
            loss = ("" if name in KL_WEIGHTED else name, *others)
            kind = (item.data, item.latent_dim, item.lr, item.seed, shared, loss, run.done["samples_seen"])
            kinds.setdefault(kind, {}).setdefault(run.settings["objective"]["beta"], run)
        best = max(kinds.values(), key=len, default={})
        return [best[beta] for beta in sorted(best)]

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose the curve and the samples (see `Figure.compose`)."""
        from aevb.evaluation.trained_model import TrainedModel

        rows = [_row(run) for run in runs]
        canvas = Canvas(figsize=(9.4, max(3.2, 0.52 * len(runs) + 0.6)))
        left, right = canvas.subplots(1, 2, width_ratios=(1, 1.15))
        _curve(left, rows)
        pictures = []
        for run in runs:
            model = TrainedModel(run.directory, trusted=trusted)
            noise = Noise(self.seed, "samples", 0)
            pictures.append(model.model.generate(self.samples, noise).mean.numpy().reshape(-1, *model.shape))
        picture = image_grid(np.concatenate(pictures), self.samples, GAP)
        show(right, picture)
        height = picture.shape[0] / len(runs)
        right.set_yticks([(i + 0.5) * height for i in range(len(runs))], [f"β = {row['beta']:g}" for row in rows])
        right.tick_params(left=False)
        right.set_title("p(x|z) at the same z ~ p(z)")
        number = "{:.2f}".format
        shown = [
            {"β": f"{row['beta']:g}", **{name: number(row[name]) for name in ("reconstruction", "kl", "bound")}}
            for row in rows
        ]
        first = runs[0]
        text = (
            f"{dataset(first.settings['choices']['data'])}, test images, nats per image, {first.done['samples_seen']:,} training "
            f"samples, latent_dim {first.settings['latent_dim']}, seed {first.settings['seed']}. The bound is the lower bound of log p(x), "
            f"whatever β.{_objectives(rows)}\n\n"
        )
        return Drawing(rows, canvas, text=f"{text}{meanings(runs)}\n{markdown_table(shown)}")


def _row(run: Run) -> dict[str, Any]:
    metrics = run.metrics()
    values = {name: float(metrics[f"test_{name}"][-1]) for name in ("reconstruction", "kl", "bound")}
    facts = {"objective": run.settings["choices"]["objective"], "samples_seen": run.done["samples_seen"]}
    return {"beta": run.settings["objective"]["beta"], **values, **facts, **provenance(run)}


def _objectives(rows: list[dict[str, Any]]) -> str:
    """Which estimator of the loss each value of beta has, if there are several; the first sentence names none."""
    betas: dict[str, list[str]] = {}
    for row in rows:
        betas.setdefault(method(str(row["objective"])).label, []).append(f"{row['beta']:g}")
    named = "; ".join(f"{label} at β = {', '.join(values)}" for label, values in betas.items())
    return f" The objectives: {named}." if len(betas) > 1 else ""


def _curve(ax: Axes, rows: list[dict[str, Any]]) -> None:
    kl, reconstruction = ([row[name] for row in rows] for name in ("kl", "reconstruction"))
    ax.plot(kl, reconstruction, "o-", color="#0072B2", markersize=4.5, linewidth=1)
    ax.margins(0.12)
    for row in rows:
        ax.annotate(
            f"{row['beta']:g}", (row["kl"], row["reconstruction"]), (5, -9), textcoords="offset points", fontsize=8
        )
    low, high = ax.get_xlim()
    limits = ax.get_ylim()
    best = max(row["bound"] for row in rows)
    for bound in best - np.arange(0, 200, 10):
        ax.plot([low, high], [bound + low, bound + high], color="#9A9A9A", linewidth=0.6, linestyle=":")
    ax.set_xlim(low, high)
    ax.set_ylim(limits)
    ax.set_xlabel("KL(q(z|x) ‖ p(z)), nats (rate)")
    ax.set_ylabel("E log p(x|z), nats (minus distortion)")
    ax.set_title("β at each point; dotted: equal bound, 10 nats apart")
