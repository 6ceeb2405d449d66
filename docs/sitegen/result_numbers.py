"""Single numbers of the reproduction, for sentences: differences, ranges over seeds and values of one run."""

import math
from collections.abc import Iterable

from sitegen.results import points, rows

__all__ = ["difference", "measured", "paper_bound", "seed_spread", "span", "within"]


def difference(data: str, latent_dim: int, lr: str, samples: float, method: str = "AEVB") -> float | None:
    """Return ours minus the paper's test bound at a learning rate, nats, mean over the seeds; None without such a run.

    Args:
        data: "mnist" or "frey_face".
        latent_dim: Latent dimensions of the panel.
        lr: Learning rate, as in verdict-evidence.csv.
        samples: Training samples seen.
        method: Its name in the figures.
    """
    key = {"data": data, "latent_dim": str(latent_dim), "method": method, "lr": lr}
    cells = [row[f"difference_at_{samples:.0f}"] for row in rows("verdict-evidence.csv") if key.items() <= row.items()]
    return float(cells[0]) if cells and cells[0] else None


def paper_bound(data: str, latent_dim: int, samples: float, method: str = "AEVB", split: str = "test") -> float:
    """Return the paper's bound, nats, read off its Figure 2."""
    key = {
        "data": data,
        "latent_dim": str(latent_dim),
        "method": method,
        "split": split,
        "samples_seen": f"{samples:.0f}",
    }
    return float(next(row["paper"] for row in rows("verdict.csv") if key.items() <= row.items()))


def measured(run: str, samples: float) -> dict[str, float]:
    """Return the row of a committed run at so many training samples."""
    for row in points(run):
        if row["samples_seen"] == samples:
            return row
    raise KeyError(f"{run}: no evaluation point at {samples:.0f}")


def seed_spread(lr: str, samples: float = 1e6) -> list[float]:
    """Return, for AEVB on MNIST and each latent_dim with three seeds or more, the highest minus the lowest test bound, nats."""
    spreads = []
    for row in rows("verdict-evidence.csv"):
        if (row["data"], row["method"], row["lr"]) == ("mnist", "AEVB", lr) and int(row["seeds"]) > 2:
            bounds = [measured(run, samples)["test_bound"] for run in row["run"].split(";")]
            spreads.append(max(bounds) - min(bounds))
    return spreads


def span(values: Iterable[float], digits: int = 1) -> str:
    """Return "1.7 to 2.5", the range of the absolute values."""
    sizes = sorted(map(abs, values))
    low, high = f"{sizes[0]:.{digits}f}", f"{sizes[-1]:.{digits}f}"
    return low if low == high else f"{low} to {high}"


def within(values: Iterable[float]) -> str:
    """Return the smallest number of tenths that no absolute value exceeds, as "1.1"."""
    return f"{math.ceil(10 * max(map(abs, values))) / 10:.1f}"
