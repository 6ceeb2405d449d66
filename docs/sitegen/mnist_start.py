"""The table of docs/training-curves: the mean training bound from the start, ours and the paper's, on MNIST."""

from collections import defaultdict
from functools import cache
from typing import Any

import numpy as np
import yaml

from aevb.figures.paper import published
from sitegen.markdown import table
from sitegen.repository import REPOSITORY
from sitegen.result_tables import plain
from sitegen.results import points

__all__ = ["LATENT_DIMS", "mean_from_start", "mnist_start", "paper_start", "starts"]

ALGORITHMS = {"sgvb_b": ("AEVB", "aevb"), "wake_sleep": ("wake-sleep", "wake_sleep")}
RATES = (0.01, 0.02)
LATENT_DIMS = (3, 5, 10, 20, 200)
UNITS = 500
"""Hidden units of the networks of Figure 2 on MNIST."""


def mean_from_start(samples_seen: np.ndarray, train_bound: np.ndarray, window: int, at: float) -> float:
    """Return the mean bound of all minibatches until a number of samples.

    A row of metrics.csv has the mean over the last `window` samples only, so that the part before is interpolated in the
    sums of the rows before.

    Args:
        samples_seen: The evaluation points, (R,).
        train_bound: The mean bound over the last `window` samples at each, nats, (R,).
        window: Samples of a mean, as in the key evaluation.train_window.
        at: The number of samples.
    """
    known = {0.0: 0.0}
    for seen, bound in zip(samples_seen, train_bound, strict=True):
        earlier, sums = np.array(list(known)), np.array(list(known.values()))
        before = float(np.interp(max(0, seen - window), earlier, sums))
        known[float(seen)] = before + min(seen, window) * float(bound)
    return float(np.interp(at, list(known), list(known.values()))) / at


@cache
def starts() -> dict[tuple[str, int, float], list[float]]:
    """Return ours at the first value of the paper's training curve, by method, latent_dim and learning rate; seeds sorted."""
    means = defaultdict[tuple[str, int, float], list[float]](list)
    for folder in sorted((REPOSITORY / "results" / "runs").iterdir()):
        settings = yaml.load((folder / "config.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        if _is_of_figure_2(settings):
            method, algorithm = ALGORITHMS[settings["choices"]["objective"]]
            first = published.figure2()["mnist", settings["latent_dim"], algorithm, "train"].samples_seen[0]
            seen, bounds = (
                np.array([row[key] for row in points(folder.name)]) for key in ("samples_seen", "train_bound")
            )
            window = settings.get("evaluation", {}).get("train_window", 230_000)
            mean = mean_from_start(seen, bounds, window, float(first))
            means[method, settings["latent_dim"], settings["optimizer"]["lr"]].append(mean)
    return {key: sorted(values) for key, values in means.items()}


def paper_start(method: str, latent_dim: int) -> float:
    """Return the first value of the paper's training curve, nats."""
    algorithm = dict(ALGORITHMS.values())[method]
    return float(published.figure2()["mnist", latent_dim, algorithm, "train"].value[0])


def mnist_start() -> str:
    """Return the table, a line for each curve of the paper; the seeds of ours are sorted."""
    means = starts()
    lines = []
    for method, algorithm in ALGORITHMS.values():
        for latent_dim in LATENT_DIMS:
            paper = published.figure2()["mnist", latent_dim, algorithm, "train"]
            cells = [", ".join(plain(value, 1) for value in means[method, latent_dim, lr]) for lr in RATES]
            first = f"{float(paper.samples_seen[0]):,.0f}"
            lines.append((method, str(latent_dim), first, *cells, f"**{plain(paper_start(method, latent_dim), 1)}**"))
    header = ("method", "latent_dim", "samples", *(f"ours, lr {lr}" for lr in RATES), "the paper")
    return table(header, lines, "lrrrrr")


def _is_of_figure_2(settings: dict[str, Any]) -> bool:
    choices = settings["choices"]
    return (
        (choices["data"], settings["hidden_dim"]) == ("mnist", UNITS)
        and choices["objective"] in ALGORITHMS
        and settings["optimizer"]["lr"] in RATES
        and settings["data"].get("targets", "grey") == "grey"
        and not settings.get("selection")
    )
