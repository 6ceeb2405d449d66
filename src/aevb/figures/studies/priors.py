r"""The aggregate posterior over p(z), in two latent dimensions, for N(0, I) and for trained priors.

    KL(q(z|x) || p(z)) = I_q(x; z) + KL(q(z) || p(z))   on average over images (Hoffman & Johnson 2016)

A trained p(z) can come closer to q(z) = 1/N sum_n q(z|x_n), so that the second term, the marginal KL, becomes
smaller. Each panel shows draws from q(z|x) of test images and the contours of p(z) that hold half, nine tenths
and 99 % of its mass. The terms are those of `evaluator=information`.
"""

from collections import defaultdict
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from aevb.config.resolved import Settings
from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.learning_curves import curve
from aevb.figures.common.origin import meanings, provenance
from aevb.figures.common.run_choice import with_latent_dim
from aevb.figures.common.style import dataset, number
from aevb.figures.studies.latent import scatter
from aevb.runs.run import Run
from aevb.types import PositiveInt

__all__ = ["Priors", "contour_levels"]

PRIORS = {"StandardNormal": "N(0, I)", "MixturePrior": "mixture", "VampPrior": "VampPrior"}
MASSES = (0.99, 0.9, 0.5)
"""Shares of p(z) inside its contours, the outermost first."""
HELD = 0.9995
"""Share of p(z) inside a panel."""
LATTICE = 300
"""Points of the lattice on each axis."""
TERMS = ("bound", "reconstruction", "kl", "mutual_information", "marginal_kl")


class Priors(Figure):
    """A panel per prior, of the lowest seed, and the terms of the bound over all seeds.

    Args:
        count: The number of test images in a panel, the first of the split.
        data_root: The folder of the data; None for the folder that the run used.
    """

    name = "priors"
    command = "aevb-train experiment=priors latent_dim=2"

    def __init__(self, count: PositiveInt = 1500, data_root: str | None = None) -> None:
        self.count, self.data_root = count, data_root

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the set of comparable runs with the most priors and seeds, one run for each (see `Figure.wanted`)."""
        kinds: dict[Any, dict[tuple[int, int], Run]] = defaultdict(dict)
        for run in with_latent_dim(runs, [2]):
            prior = _prior(run)
            if prior not in PRIORS or "family" in run.settings["model"]["encoder"] or not _evaluation(run):
                continue
            item = curve(run)
            shared = tuple((key, value) for key, value in item.config_key if not key.startswith("model.prior."))
            images = _evaluation(run)["n"]  # I depends on the number, log n at most
            kind = (item.data, item.lr, shared, run.done["samples_seen"], images)
            kinds[kind].setdefault((list(PRIORS).index(prior), item.seed), run)
        best = max(kinds.values(), key=lambda kind: (len({prior for prior, _ in kind}), len(kind)), default={})
        return [best[key] for key in sorted(best)]

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose the panels and a table of the terms (see `Figure.compose`)."""
        from aevb.evaluation.trained_model import TrainedModel

        shown = {prior: run for run in reversed(runs) if (prior := _prior(run))}  # the lowest seed of each
        chosen = [shown[prior] for prior in PRIORS if prior in shown]
        canvas = Canvas(figsize=(4 * len(chosen), 4.3))
        for ax, run in zip(canvas.subplots(1, len(chosen), squeeze=False)[0], chosen, strict=True):
            model = TrainedModel(run.directory, self.data_root, trusted)
            test = model.test()
            q = model.encode(test.x[: self.count])
            eps = np.random.Generator(np.random.Philox(key=0)).standard_normal(q.mean.shape)
            draws = q.mean + np.exp(0.5 * q.log_var) * eps
            scatter(ax, draws, test.label[: self.count], ("$z_1$", "$z_2$"))
            _draw_contours(ax, model, draws)
            ax.set_title(f"p(z): {PRIORS[_prior(run)]}; marginal KL {number(_terms(run)['marginal_kl'])} nats")
        rows = [
            {"prior": PRIORS[_prior(run)], "seed": run.settings["seed"], **_terms(run), **provenance(run)}
            for run in runs
        ]
        table = [
            {"p(z)": row["prior"], "seed": row["seed"], **{term.replace("_", " "): number(row[term]) for term in TERMS}}
            for row in rows
        ]
        first = runs[0]
        text = (
            f"{dataset(first.settings['choices']['data'])}, test images, {first.done['samples_seen']:,} training samples. Draws from "
            "q(z|x), as their class, and contours of p(z) that hold 50, 90 and 99 % of its mass. In nats per image: bound = "
            f"reconstruction − kl, kl = mutual information + marginal kl, of the first {_evaluation(first)['n']:,} images."
        )
        return Drawing(rows, canvas, text=f"{text}\n\n{meanings(runs)}\n{markdown_table(table)}")


def _prior(run: Run) -> str:
    return Settings(run.settings).class_name("model.prior")


def _evaluation(run: Run) -> dict[str, Any]:
    records = [item for item in run.evaluations() if (item["name"], item["split"]) == ("information", "test")]
    return max(records, key=lambda item: (item["n"], item["settings"].get("samples", 0)), default={})


def _terms(run: Run) -> dict[str, float]:
    values = _evaluation(run)["values"]
    return {name: values[name]["mean"] for name in TERMS}


def _draw_contours(ax: Axes, model: Any, draws: np.ndarray) -> None:
    # On the smallest square around the draws that holds HELD of p(z), so that the outermost contour is closed.
    prior, centre = model.model.prior(), 0.5 * (draws.min(0) + draws.max(0))
    least = 0.55 * float(np.ptp(draws, axis=0).max())
    for radius in least * 1.1 ** np.arange(60):
        axes = [np.linspace(middle - radius, middle + radius, LATTICE) for middle in centre]
        points = torch.from_numpy(np.stack(np.meshgrid(*axes), -1)).to(model.dtype)
        with torch.no_grad():
            density = prior.log_prob(points).double().exp().numpy()
        if density.sum() * (2 * radius / (LATTICE - 1)) ** 2 > HELD:
            break
    ax.contour(*axes, density, levels=contour_levels(density), colors="black", linewidths=(0.6, 0.9, 1.2))
    ax.set_aspect("equal", adjustable="box")
    ax.set(xlim=axes[0][[0, -1]], ylim=axes[1][[0, -1]])


def contour_levels(density: np.ndarray) -> list[float]:
    """Return the densities at the edges of the smallest regions that hold MASSES.

    Args:
        density: The density on a lattice that holds nearly all of the mass.
    """
    ordered = np.sort(density.ravel())[::-1]
    inside = ordered.cumsum() / ordered.sum()
    return [float(ordered[np.searchsorted(inside, share)]) for share in MASSES]
