"""The lines of figure 3: log p(x) along training, the mean over the seeds of one method."""

from typing import Any, NamedTuple

import numpy as np

from aevb.figures.common.learning_curves import Band, ConfigKey, Curve, band, curve
from aevb.figures.common.method_labels import labels
from aevb.figures.common.method_lines import colours_of
from aevb.figures.common.style import METHODS, dataset, method
from aevb.runs.run import Run

__all__ = ["ESTIMATORS", "SPLITS", "MarginalLine", "marginal", "marginal_lines"]

ESTIMATORS = {"quadrature": "quadrature", "reciprocal": "appendix D"}
"""Evaluators whose columns are shown; the exact one comes first."""

SPLITS = ("test", "train")

PAPER = ("mnist", 3)
"""The data set and latent_dim of the paper's figure 3; runs of others have no counterpart there."""


def marginal(run: Run, split: str, evaluator: str) -> tuple[np.ndarray, np.ndarray]:
    """Read the marginal likelihood at the evaluation points that have it.

    Args:
        run: A finished run.
        split: "train" or "test".
        evaluator: The name of the evaluator.

    Returns:
        samples_seen and log p(x), nats per image, (R,) each; empty if there are no values.
    """
    metrics = run.metrics()
    values = metrics.get(f"{split}_{evaluator}_log_px", np.full(len(metrics["samples_seen"]), np.nan))
    kept = np.isfinite(values)
    return metrics["samples_seen"][kept], values[kept]


class MarginalLine(NamedTuple):
    """One method in one panel: runs that differ in the seed alone.

    Attributes:
        label: The name of the method, with what sets it apart from others of the panel, and with its data set and latent_dim
            where they are not the paper's.
        objective: The name of the objective in conf/objective.
        lr: The learning rate.
        clock: What counts as a sample seen (Monte Carlo EM has a choice).
        curves: One curve per seed, in order of the seeds.
        colour: The colour of the line; a label has the same in every panel.
    """

    label: str
    objective: str
    lr: Any
    clock: str
    curves: list[Curve]
    colour: str = ""

    @property
    def published(self) -> str | None:
        """The algorithm of the paper to compare with; None if there is none."""
        of_the_paper = (self.curves[0].data, self.curves[0].latent_dim) == PAPER
        return method(self.objective).published if of_the_paper else None

    def seeds(self, split: str, evaluator: str) -> list[Curve]:
        """Return log p(x) of each seed in the place of its lower bound.

        Args:
            split: "train" or "test".
            evaluator: The name of the evaluator.

        Returns:
            The curves of the seeds that have values.
        """
        values = [(item, *marginal(item.run, split, evaluator)) for item in self.curves]
        return [item._replace(samples_seen=x, bound={split: y}) for item, x, y in values if len(x)]

    def band(self, split: str, evaluator: str) -> Band | None:
        """Return the mean, the lowest and the highest log p(x) over the seeds.

        Args:
            split: "train" or "test".
            evaluator: The name of the evaluator.

        Returns:
            The band; None if no seed has values.
        """
        seeds = self.seeds(split, evaluator)
        return band(seeds, split) if seeds else None


def marginal_lines(runs: list[Run]) -> dict[int, list[MarginalLine]]:
    """Group runs into the lines of the panels.

    Args:
        runs: Finished runs with log p(x).

    Returns:
        The lines by the number of training images, in ascending order.
    """
    panels: dict[int, list[Curve]] = {}
    for item in sorted(map(curve, runs), key=_order):
        panels.setdefault(int(item.run.settings["data"].get("n_train") or 0), []).append(item)
    lines = {n_train: _lines(group) for n_train, group in sorted(panels.items())}
    colours = colours_of({line.label: line.objective for group in lines.values() for line in group})
    return {n_train: [line._replace(colour=colours[line.label]) for line in group] for n_train, group in lines.items()}


def _lines(panel: list[Curve]) -> list[MarginalLine]:
    groups: dict[Any, list[Curve]] = {}
    for item in panel:
        groups.setdefault((item.data, item.latent_dim, item.lr, item.config_key), []).append(item)
    names: dict[tuple[str, ConfigKey], str] = {}
    for objective in {item.objective for item in panel}:  # what sets it apart from another objective is not named
        names |= labels([item for item in panel if item.objective == objective])
    return [
        MarginalLine(
            _label(group[0], panel, names), group[0].objective, group[0].lr, _clock(group[0]), _one_per_seed(group)
        )
        for group in groups.values()
    ]


def _one_per_seed(group: list[Curve]) -> list[Curve]:
    # Of two runs with one seed the one with more evaluation points: a seed must not count twice in a mean.
    chosen: dict[int, Curve] = {}
    for item in group:
        if item.seed not in chosen or len(item.samples_seen) > len(chosen[item.seed].samples_seen):
            chosen[item.seed] = item
    return [chosen[seed] for seed in sorted(chosen)]


def _order(item: Curve) -> tuple[int, str]:
    known = list(METHODS)
    return (known.index(item.objective) if item.objective in known else len(known), item.run.name)


def _label(item: Curve, panel: list[Curve], names: dict[tuple[str, ConfigKey], str]) -> str:
    alike = [other for other in panel if names[other.data, other.config_key] == names[item.data, item.config_key]]
    more = [dataset(item.data)] if item.data != PAPER[0] else []
    more += [f"latent_dim {item.latent_dim}"] if item.latent_dim != PAPER[1] else []
    more += [f"learning_rate {item.lr}"] if len({other.lr for other in alike}) > 1 else []
    return ", ".join([names[item.data, item.config_key], *more])


def _clock(item: Curve) -> str:
    return str(item.run.settings["objective"].get("count", "samples"))
