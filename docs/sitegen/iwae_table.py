"""Table 1 of Burda et al. (2016) after a part of their training, beside their values: a table of docs/iwae and the sentences below it."""

import json
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import yaml

from sitegen.markdown import bullets, table
from sitegen.repository import REPOSITORY
from sitegen.result_tables import plain, signed

__all__ = ["iwae_table", "iwae_table_text"]

RUNS = REPOSITORY / "results" / "iwae_table"
"""Folder of the runs, one for each K."""

PUBLISHED = {1: (-86.76, 19), 5: (-85.54, 22), 50: (-84.78, 25)}
"""K -> log p(x) of the test images, nats, and active units (Burda et al. 2016, Table 1, one stochastic layer, IWAE)."""

PASSES = 3280
"""Passes over the training images in theirs."""


class Row(NamedTuple):
    """What a run gave.

    Attributes:
        k: Importance samples in training, K.
        passes: Over the training images.
        bound: Lower bound (eq. 3) of the test images, nats.
        log_px: L_5000 of the test images, nats.
        error: Its standard error over images.
        units: Active units, Cov_x(E[z|x]) > 0.01.
        hours: Of training.
        unreliable: Share of the images whose Pareto k is above the threshold for 5,000 draws.
    """

    k: int
    passes: float
    bound: float
    log_px: float
    error: float
    units: int
    hours: float
    unreliable: float


def _rows() -> list[Row]:
    return sorted(map(_row, RUNS.iterdir()))


def _row(run: Path) -> Row:
    settings = yaml.load((run / "config.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    names = (
        "evaluation/importance-test-k5000.json",
        "evaluation/bound-test.json",
        "evaluation/information-test.json",
        "DONE",
    )
    importance, bound, information, done = (json.loads((run / name).read_text(encoding="utf-8")) for name in names)
    return Row(
        settings["objective"]["samples"],
        done["samples_seen"] / settings["data"]["n_train"],
        bound["mean"],
        importance["mean"],
        importance["standard_error"],
        information["active_units"],
        done["training_seconds"] / 3600,
        importance["share_above_threshold"],
    )


def iwae_table() -> str:
    """Return a line for each K: lower bound, L_5000 and active units, beside the published ones, and the hours of training."""
    lines = []
    for row in _rows():
        published, units = PUBLISHED[row.k]
        numbers = (row.bound, row.log_px, published, row.log_px - published)
        lines.append((str(row.k), *map(plain, numbers), str(row.units), str(units), plain(row.hours, 1)))
    names = ("K", "bound (eq. 3)", "L_5000", "published", "difference", "active units", "published", "hours")
    return table(names, lines, "rrrrrrrr")


def iwae_table_text() -> str:
    """Return what the table shows."""
    rows = _rows()
    behind = " and ".join(f"{PUBLISHED[row.k][0] - row.log_px:.1f} (K = {row.k})" for row in rows)
    part, error = rows[0].passes / PASSES, max(row.error for row in rows)
    sentences = [
        f"""**After {rows[0].passes:,.0f} of {PASSES:,} passes, {part:.0%} of the training, log p(x) is {behind} nats below the published
        values**. The standard error over images is {error:.2f}."""
    ]
    for former, row in pairwise(rows):
        gain, published = row.log_px - former.log_px, PUBLISHED[row.k][0] - PUBLISHED[former.k][0]
        order = "as published" if gain > 0 else "against the published order"
        sentences.append(
            f"**K = {row.k} has {signed(gain)} nats against K = {former.k}**, {order} ({signed(published)})."
        )
    shares = " and ".join(f"{row.unreliable:.0%} (K = {row.k})" for row in rows)
    sentences.append(
        f"""L_5000 is a lower bound, here as there. Pareto k is above the threshold for {shares} of the images, so their log p(x) may lie
        well above it."""
    )
    return bullets(*sentences)
