"""Ours against the paper: the rows of figure=verdict, the seeds behind them, and the counts at other tolerances."""

import math
from typing import Any, NamedTuple

from aevb.errors import UserError
from aevb.figures.common.learning_curves import Curve
from aevb.figures.common.method_lines import Line, panels
from aevb.figures.common.style import dataset
from aevb.figures.paper import published

__all__ = ["TOLERANCES", "PaperTable", "compare_with_paper"]

TOLERANCES = (0.5, 1.0, 2.0)
"""Nats, before the digitisation error and the spread over seeds are added; figure=verdict has 1."""

SELECT_AT = 1_000_000
VERDICTS = ("matches", "better", "worse")


class PaperTable(NamedTuple):
    """rows: One for every curve and evaluation point. counts: Verdicts by tolerance, with and without the spread over seeds."""

    rows: list[dict[str, Any]]
    counts: list[dict[str, Any]]

    @property
    def sentence(self) -> str:
        """The verdict at the paper's own tolerance, in one line; empty without rows."""
        if not self.rows:
            return ""
        tally = [sum(row["verdict"] == verdict for row in self.rows) for verdict in VERDICTS]
        return f"{tally[0]} of {len(self.rows)} bounds match the paper's, {tally[1]} are better, {tally[2]} worse"


def compare_with_paper(curves: list[Curve]) -> PaperTable:
    """Compare runs with the paper's curves.

    Args:
        curves: Learning curves of any runs.

    Returns:
        The table; empty if the paper has no curve of such runs.
    """
    known = {(data, latent_dim) for data, latent_dim, _, _ in published.figure2()}
    curves = [item for item in curves if (item.data, item.latent_dim) in known]
    if not curves:
        return PaperTable([], [])
    from aevb.figures.paper.verdict import (
        DIGITISATION,
        Verdict,
    )  # here: it loads matplotlib, which most reports do not need

    verdict, rows = Verdict(select_at=SELECT_AT), []
    for place in sorted({(item.data, item.latent_dim) for item in curves}):
        try:
            lines = panels([item for item in curves if (item.data, item.latent_dim) == place], SELECT_AT)[place]
        except UserError:
            continue  # learning rates that have no evaluation point in common, as runs that have just begun
        for line in lines:
            rows += [_with_seeds(row, line) for row in verdict.comparisons(place, line, lines)]
    return PaperTable(
        rows, [_count(rows, tolerance, spread, DIGITISATION) for tolerance in TOLERANCES for spread in (True, False)]
    )


def _with_seeds(row: dict[str, Any], line: Line) -> dict[str, Any]:
    values = {item.seed: item.at(row["split"], row["samples_seen"]) for item in line.curves}
    values = {seed: value for seed, value in values.items() if math.isfinite(value)}
    n, mean = len(values), row["ours"]
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values.values()) / (n - 1)) if n > 1 else math.nan
    error = deviation / math.sqrt(n) if n > 1 else math.nan
    return {
        **{
            key: row[key]
            for key in ("data", "latent_dim", "method", "targets", "lr", "split", "samples_seen", "seeds", "ours")
        },
        "seed_values": "; ".join(f"{seed}: {value:.2f}" for seed, value in sorted(values.items())),
        "deviation": deviation,
        "paper": row["paper"],
        "difference": row["difference"],
        "difference_in_standard_errors": row["difference"] / error if n > 1 and error > 0 else math.nan,
        "paper_within_seeds": n > 1 and min(values.values()) <= row["paper"] <= max(values.values()),
        "spread": row["spread"],
        "tolerance": row["tolerance"],
        "verdict": row["verdict"],
        "why": row["why"],
        "run": row["run"],
    }


def _count(
    rows: list[dict[str, Any]], tolerance: float, spread: bool, digitisation: dict[str, float]
) -> dict[str, Any]:
    counts = dict.fromkeys(VERDICTS, 0)
    for row in rows:
        half = row["spread"] / 2 if spread and math.isfinite(row["spread"]) else 0.0
        allowed = tolerance + digitisation[row["data"]] + half
        gap = row["difference"]
        counts["matches" if abs(gap) <= allowed else "better" if gap > 0 else "worse"] += 1
    return {"tolerance": tolerance, "spread": "half the spread added" if spread else "without the spread", **counts}


def panel_title(row: dict[str, Any]) -> str:
    """The data set and latent dimension of a row, as a heading."""
    return f"{dataset(row['data'])}, {row['latent_dim']}"
