"""The lines of figure 3: log p(x) along training, the mean over the seeds of one method."""

from typing import Any, NamedTuple

import numpy as np

from aevb.figures.common.learning_curves import Band, Curve, band, curve
from aevb.figures.common.style import METHODS, method
from aevb.runs.run import Run

__all__ = ["ESTIMATORS", "SPLITS", "MarginalLine", "marginal", "marginal_lines"]

ESTIMATORS = {"quadrature": "quadrature", "reciprocal": "appendix D"}
"""Evaluators whose columns are shown; the exact one comes first."""

SPLITS = ("test", "train")


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

    Args:
        label: The name of the method, with its learning rate or clock where the panel has several.
        objective: The name of the objective in conf/objective.
        lr: The learning rate.
        clock: What counts as a sample seen (Monte Carlo EM has a choice).
        curves: One curve per seed, in order of the seeds.
    """

    label: str
    objective: str
    lr: Any
    clock: str
    curves: list[Curve]

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
    return {n_train: _lines(group) for n_train, group in sorted(panels.items())}


def _lines(panel: list[Curve]) -> list[MarginalLine]:
    groups: dict[Any, list[Curve]] = {}
    for item in panel:
        groups.setdefault((item.objective, item.lr, _clock(item), item.config_key), []).append(item)
    return [
        MarginalLine(_label(group[0], panel), group[0].objective, group[0].lr, _clock(group[0]), _one_per_seed(group))
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


def _label(item: Curve, panel: list[Curve]) -> str:
    alike = [other for other in panel if other.objective == item.objective]
    more = []
    if len({other.lr for other in alike}) > 1:
        more.append(f"learning_rate {item.lr}")
    if len({_clock(other) for other in alike}) > 1:
        more.append(f"clock: {_clock(item)}")
    return ", ".join([method(item.objective).label, *more])


def _clock(item: Curve) -> str:
    return str(item.run.settings["objective"].get("count", "samples"))
