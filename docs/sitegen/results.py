"""The numbers of the reproduction, read from the committed CSVs of docs/results and the runs of results/runs."""

import csv
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from sitegen.repository import DOCS, REPOSITORY

__all__ = ["Comparison", "at_one_rate", "bound_panels", "likelihood_panels", "points", "rows"]

DATA = {"mnist": "MNIST", "frey_face": "Frey Face"}
LAST = 10_000_000
"""Training samples to which every panel of Figure 2 has been trained."""


class Comparison(NamedTuple):
    """Ours and the paper's, at one number of training samples.

    Attributes:
        panel: Data set and latent_dim, or N and the split.
        method: Its name in the figures.
        lr: Learning rate.
        samples: Training samples seen.
        seeds: How many; `ours` is their mean.
        ours: Nats per image.
        paper: Nats per image.
        interval: Half the 95 % t interval of the mean over seeds; None for one seed.
        verdict: Within one nat "matches", else "better" or "worse"; empty if there is none.
    """

    panel: str
    method: str
    lr: str
    samples: int
    seeds: int
    ours: float
    paper: float
    interval: float | None
    verdict: str

    @property
    def difference(self) -> float:
        """Ours minus the paper's, nats."""
        return self.ours - self.paper

    @property
    def counted(self) -> str:
        """The number of seeds in words."""
        return "one seed" if self.seeds == 1 else f"{self.seeds} seeds"


@cache
def rows(name: str, page: str = "results") -> tuple[dict[str, str], ...]:
    """Return the rows of a CSV beside a page, of docs/results unless said."""
    with (DOCS / page / name).open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def points(run: str) -> tuple[dict[str, float], ...]:
    """Return the rows of a committed run's metrics.csv; empty cells are left out."""
    path = REPOSITORY / "results" / "runs" / run / "metrics.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return tuple({name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file))


def bound_panels(split: str = "test") -> Iterator[Comparison]:
    """Yield the bounds of Figure 2 with grey targets, at LAST training samples and beyond.

    The learning rate of each is the one with the highest training bound (see aevb.figures.paper.verdict).
    """
    for row in rows("verdict.csv"):
        if row["method"] in ("AEVB", "wake-sleep") and row["split"] == split and int(row["samples_seen"]) >= LAST:
            yield Comparison(
                f"{DATA[row['data']]}, {row['latent_dim']}",
                row["method"],
                row["lr"],
                int(row["samples_seen"]),
                int(row["seeds"]),
                float(row["ours"]),
                float(row["paper"]),
                float(row["interval"]) if row["interval"] else None,
                row["verdict"],
            )


def likelihood_panels() -> Iterator[Comparison]:
    """Yield log p(x) of Figure 3, each curve at the last evaluation point that the paper has too."""
    last = dict[tuple[str, str, str], dict[str, str]]()
    for row in rows("figure3.csv"):
        if row["source"] == "mean" and row["paper"]:
            last[row["n_train"], row["method"], row["split"]] = row
    for (n_train, method, split), row in last.items():
        estimate, paper = float(row["quadrature"]), float(row["paper"])
        panel = f"N = {int(n_train):,}, {split}"
        interval = float(row["interval"]) if row["interval"] else None
        at, seeds = int(row["samples_seen"]), int(row["seeds"])
        yield Comparison(panel, method, row["lr"], at, seeds, estimate, paper, interval, "")


def at_one_rate(data: str, latent_dim: int, lr: str, samples: int = LAST, method: str = "AEVB") -> Comparison:
    """Return the test bound at one learning rate, mean over the seeds that have been trained so far."""
    key = {"data": data, "latent_dim": str(latent_dim), "method": method}
    (paper,) = {
        float(row["paper"])
        for row in rows("verdict.csv")
        if key.items() <= row.items() and (row["split"], row["samples_seen"]) == ("test", str(samples))
    }
    (row,) = (row for row in rows("verdict-evidence.csv") if (key | {"lr": lr}).items() <= row.items())
    difference = float(row[f"difference_at_{samples}"])
    seeds = sum(reaches(run, samples) for run in row["run"].split(";"))
    return Comparison(f"{DATA[data]}, {latent_dim}", method, lr, samples, seeds, paper + difference, paper, None, "")


def reaches(run: str, samples: int) -> bool:
    """Return whether a committed run has an evaluation point at so many training samples."""
    return any(row["samples_seen"] == samples for row in points(run))
