"""Learning curves of finished runs, and how the runs are grouped.

A run is described by its data set, latent_dim, learning rate, seed and *config key*. The config key is
everything else in its config that the training depends on. Runs that differ in the seed alone are
averaged. Among runs that differ in the learning rate alone, one learning rate is selected (see
`aevb.figures.common.learning_rate_choice`). Runs with different config keys are different methods
and are drawn as separate lines.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from aevb.figures.common.style import DATASETS
from aevb.runs.run import Run

__all__ = [
    "Band",
    "ConfigKey",
    "Curve",
    "band",
    "curve",
    "families",
    "has_fallen",
    "once_per_seed",
    "same_points",
    "with_bound",
]

ConfigKey = tuple[tuple[str, str], ...]

SHOWN_APART = ("seed", "model.seed", "optimizer.lr", "latent_dim")  # have their own label, axis or panel
MACHINERY = (
    *(f"trainer.{key}" for key in ("accelerator", "devices", "threads", "block", "graph_steps")),
    "evaluation.num_images",
)


class Curve(NamedTuple):
    """The learning curve of one run, with R evaluation points.

    Attributes:
        run: The run.
        data: The name of the data set.
        latent_dim: The dimension of z.
        objective: The name of the objective in conf/objective.
        lr: The learning rate; None if the optimizer has none.
        seed: The seed of the run.
        config_key: The remaining keys of the config that the training depends on.
        samples_seen: The number of training samples seen at each evaluation point, (R,).
        bound: The lower bound by split, "train" and "test", (R,) each, nats per datapoint.
    """

    run: Run
    data: str
    latent_dim: int
    objective: str
    lr: float | None
    seed: int
    config_key: ConfigKey
    samples_seen: np.ndarray
    bound: dict[str, np.ndarray]

    def row(self, samples_seen: float) -> int | None:
        """Return the index of the evaluation point at `samples_seen`.

        Args:
            samples_seen: The number of training samples seen.

        Returns:
            The first evaluation point from there on, at most 1 % later because training advances by whole
            minibatches; None if there is none.
        """
        return _row(self.samples_seen.tobytes(), self.samples_seen.dtype.str, samples_seen)

    def at(self, split: str, samples_seen: float) -> float:
        """Return the lower bound at `samples_seen`.

        Args:
            split: "train" or "test".
            samples_seen: The number of training samples seen.

        Returns:
            The lower bound, nats per datapoint; nan if there is no evaluation point.
        """
        row = self.row(samples_seen)
        return float("nan") if row is None else float(self.bound[split][row])

    @property
    def last(self) -> int:
        """The number of training samples seen at the end of the run."""
        return int(self.samples_seen[-1])


@lru_cache(maxsize=4096)  # thousands of runs have the same evaluation points
def _row(points: bytes, dtype: str, samples_seen: float) -> int | None:
    seen = np.frombuffer(points, dtype)
    rows = ((seen >= samples_seen) & (seen <= 1.01 * samples_seen)).nonzero()[0]
    return int(rows[0]) if len(rows) else None


class Band(NamedTuple):
    """Several seeds as one curve, with R evaluation points.

    Attributes:
        samples_seen: The number of training samples seen, (R,).
        mean: The mean lower bound over the seeds, (R,), nats per datapoint.
        low: The smallest lower bound, (R,).
        high: The largest lower bound, (R,).
        seeds: The number of seeds at each evaluation point, (R,).
    """

    samples_seen: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    seeds: np.ndarray


def with_bound(runs: list[Run]) -> list[Run]:
    """Return the runs that have a lower bound.

    A model without an encoder has no lower bound; neither has a model whose encoder has variance 0.

    Args:
        runs: Finished runs.

    Returns:
        Those with a lower bound, in the same order.
    """
    encoders = [run.settings["model"].get("encoder") for run in runs]
    return [run for run, node in zip(runs, encoders, strict=True) if node is not None and node.get("variance") != 0]


def curve(run: Run) -> Curve:
    """Read the learning curve of a finished run.

    Args:
        run: A finished run.

    Returns:
        Its curve.
    """
    settings, metrics = run.settings, run.metrics()
    seen = metrics["samples_seen"]
    return Curve(
        run=run,
        data=str(settings["choices"]["data"]),
        latent_dim=settings["latent_dim"],
        objective=str(settings["choices"]["objective"]),
        lr=run.done.get("learning_rate", settings["optimizer"].get("lr")),
        seed=settings["seed"],
        config_key=_config_key(run),
        samples_seen=seen,
        bound={split: _or_nan(metrics.get(f"{split}_bound"), seen) for split in ("train", "test")},
    )


def _or_nan(values: np.ndarray | None, seen: np.ndarray) -> np.ndarray:
    return np.full(len(seen), np.nan) if values is None else values


def has_fallen(run: Run) -> bool:
    """Return whether the test bound of a run ends below where it began, or is no number there: training diverged.

    Args:
        run: A finished run.
    """
    bound = run.metrics().get("test_bound", np.array([]))
    return bool(np.isfinite(bound).any() and not bound[-1] >= bound[0])


def _config_key(run: Run) -> ConfigKey:
    numbers = run.numbers
    return tuple(
        (key, str(numbers[key]))
        for key, elsewhere in _method_keys(tuple(numbers))
        if not elsewhere or numbers[key] != numbers.get(elsewhere)
    )


@lru_cache(maxsize=1024)  # thousands of runs have the same keys
def _method_keys(keys: tuple[str, ...]) -> list[tuple[str, str]]:
    # The keys of a method in order; beside each the one that it repeats, if there is one.
    return [
        (key, _repeated(key))
        for key in sorted(keys)
        if key and key not in SHOWN_APART + MACHINERY and not key.startswith("selection.")
    ]


def _repeated(key: str) -> str:
    node, _, last = key.rpartition(".")
    if node.split(".")[0] == "objective" and last in ("seed", "baseline_seed"):  # of Monte Carlo EM, NVIL and GANs
        return "seed"
    return last if key.startswith("model.") and last in ("hidden_dim", "latent_dim") else ""


def once_per_seed(curves: Iterable[Curve]) -> list[tuple[Curve, list[Curve]]]:
    """Return each curve with those that repeat it: a seed must not count twice in a mean or an interval.

    Args:
        curves: The curves, of any runs.

    Returns:
        Of the runs that have all settings and seeds in common, the longest, and the others; in the order of the first of each.
    """
    groups: dict[Any, list[Curve]] = {}
    for item in curves:
        seeds = item.seed, item.run.settings["model"].get("seed")
        groups.setdefault((item.data, item.latent_dim, item.config_key, item.lr, seeds), []).append(item)
    chosen = [(max(group, key=_length), group) for group in groups.values()]
    return [(item, [other for other in group if other is not item]) for item, group in chosen]


def _length(item: Curve) -> tuple[list[int], int]:
    return item.samples_seen[-1:].tolist(), len(item.samples_seen)


def families(curves: Iterable[Curve]) -> dict[tuple[str, int, ConfigKey], list[Curve]]:
    """Group curves that differ in the learning rate and the seed alone; runs that repeat another one are left out.

    Args:
        curves: The curves.

    Returns:
        The curves by (data set, latent_dim, config key); the data sets are in the order of `DATASETS`.
    """
    order = list(DATASETS)
    groups: dict[tuple[str, int, ConfigKey], list[Curve]] = {}
    for item, _ in once_per_seed(curves):
        groups.setdefault((item.data, item.latent_dim, item.config_key), []).append(item)

    def rank(key: tuple[str, int, ConfigKey]) -> tuple[int, str, int, ConfigKey]:
        data, latent_dim, config_key = key
        return (order.index(data) if data in order else len(order), data, latent_dim, config_key)

    return {key: groups[key] for key in sorted(groups, key=rank)}


def band(curves: list[Curve], split: str) -> Band:
    """Compute the mean, smallest and largest lower bound over seeds.

    An evaluation point counts if every run that reached it has a value there. Runs may differ in length:
    later points average over the remaining runs, and `seeds` gives their number.

    Args:
        curves: The curves of the seeds.
        split: "train" or "test".

    Returns:
        The band.
    """
    first = curves[0].samples_seen
    if (np.diff(first) > 0).all() and same_points([item.samples_seen for item in curves]):
        columns = np.ascontiguousarray(np.array([item.bound[split] for item in curves]).T)
        seeds = np.full(len(first), len(curves))
        return Band(first, columns.mean(axis=1), columns.min(axis=1), columns.max(axis=1), seeds)
    return _uneven_band(curves, split)


def same_points(points: list[np.ndarray]) -> bool:
    """Return whether curves have the same evaluation points.

    Args:
        points: The samples_seen of each curve, (R,) each; at least one curve.
    """
    return len(set(map(len, points))) == 1 and bool((np.array(points) == points[0]).all())


def _uneven_band(curves: list[Curve], split: str) -> Band:
    # Of runs that differ in length or in their evaluation points.
    values = [dict(zip(item.samples_seen.tolist(), item.bound[split].tolist(), strict=True)) for item in curves]
    points, columns = [], []
    for point in sorted(set().union(*values)):
        reached = [value for value, item in zip(values, curves, strict=True) if item.last >= point]
        if all(point in value for value in reached):
            column = np.array([value[point] for value in reached])
            points.append(point)
            columns.append((column.mean(), column.min(), column.max(), len(column)))
    mean, low, high, seeds = np.array(columns).T
    return Band(np.array(points), mean, low, high, seeds.astype(int))
