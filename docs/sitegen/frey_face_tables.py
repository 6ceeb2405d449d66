"""The tables of docs/frey-face-gap, from its CSV."""

from collections.abc import Callable

from sitegen.markdown import table
from sitegen.result_tables import plain
from sitegen.results import rows

__all__ = [
    "LATENT_DIMS",
    "METHODS",
    "SETTINGS",
    "bound_at",
    "frey_bounds",
    "frey_changes",
    "frey_start",
    "paper_bound_at",
    "paper_start",
    "seed_values",
]

METHODS = ("AEVB", "wake-sleep")
LATENT_DIMS = ("2", "5", "10", "20")
SETTINGS = {
    "M = 100, lr 0.01": ("100", "0.01"),
    "M = 100, lr 0.02": ("100", "0.02"),
    "M = 500, lr 0.01": ("500", "0.01"),
    "M = 500, lr 0.02": ("500", "0.02"),
}
"""Columns: batch_size and lr."""

Row = dict[str, str]


def _rows() -> tuple[Row, ...]:
    return rows("frey_face.csv", "frey-face-gap")


def seed_values(method: str, latent_dim: str, setting: tuple[str, str], value: Callable[[Row], str]) -> list[float]:
    """Return the values of all seeds of a setting without further changes.

    Args:
        method: "AEVB" or "wake-sleep".
        latent_dim: Latent dimensions of the panel.
        setting: batch_size and lr.
        value: What is wanted of a row; empty if it has none.
    """
    same = {"method": method, "latent_dim": latent_dim, "batch_size": setting[0], "lr": setting[1], "change": ""}
    own = [row for row in _rows() if same.items() <= row.items()]
    # Of two runs with one seed the longer: a seed must not be counted twice.
    longest = {row["seed"]: row["run"] for row in sorted(own, key=lambda row: int(row["samples_seen"]))}
    values = {row["run"]: value(row) for row in own if row["run"] == longest[row["seed"]] and value(row)}
    return [float(number) for number in values.values()]


def paper_start(method: str, latent_dim: str) -> float:
    """Return the paper's mean training bound from the start to its first evaluation point, nats."""
    one = next(row for row in _rows() if (row["method"], row["latent_dim"]) == (method, latent_dim))
    return float(one["paper_start"])


def paper_bound_at(latent_dim: str, samples: int = 1_000_000) -> float:
    """Return the paper's test bound of AEVB, nats."""
    key = {"method": "AEVB", "latent_dim": latent_dim, "samples_seen": str(samples)}
    return float(next(row["paper_test_bound"] for row in _rows() if key.items() <= row.items()))


def bound_at(row: Row, samples: int = 1_000_000) -> str:
    """Return the test bound of a row of that many training samples; empty for another row."""
    return row["test_bound"] if row["samples_seen"] == str(samples) else ""


def _cell(values: list[float]) -> str:
    return ", ".join(plain(number, 1) for number in values) or "–"


def frey_start() -> str:
    """Return the mean training bound from the start to the paper's first evaluation point, a line for each panel."""
    lines = []
    for method in METHODS:
        for latent_dim in LATENT_DIMS:
            seeds = [
                seed_values(method, latent_dim, setting, lambda row: row["start"]) for setting in SETTINGS.values()
            ]
            lines.append((method, latent_dim, *map(_cell, seeds), f"**{plain(paper_start(method, latent_dim), 1)}**"))
    return table(("method", "latent_dim", *SETTINGS, "the paper"), lines, "lrrrrrr")


def frey_bounds() -> str:
    """Return the test bounds of AEVB at 1e6 training samples, a line for each latent_dim."""
    lines = []
    for latent_dim in LATENT_DIMS:
        seeds = [seed_values("AEVB", latent_dim, setting, bound_at) for setting in SETTINGS.values()]
        lines.append((latent_dim, *map(_cell, seeds), f"**{plain(paper_bound_at(latent_dim), 1)}**"))
    return table(("latent_dim", *SETTINGS, "the paper"), lines, "rrrrrr")


def frey_changes() -> str:
    """Return the runs with a further change, and those of wake-sleep with M = 500: where they end."""
    last = {row["run"]: row for row in _rows()}
    lines = [
        (
            *(row[key] for key in ("method", "latent_dim", "batch_size", "lr")),
            f"`{row['change']}`" if row["change"] else "–",
            f"{int(row['samples_seen']):,}",
            plain(float(row["test_bound"]), 1),
            plain(float(row["start"]), 1) if row["start"] else "–",
        )
        for row in last.values()
        if row["change"] or (row["method"], row["batch_size"]) == ("wake-sleep", "500")
    ]
    return table(("method", "latent_dim", "M", "lr", "change", "samples", "test bound", "start"), lines, "lrrrlrrr")
