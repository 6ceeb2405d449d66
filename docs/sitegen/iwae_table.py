"""Table 1 of Burda et al. (2016) after all or a part of their training, beside their values: a table of docs/iwae and the sentences below it."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import yaml

from sitegen.markdown import bullets, table
from sitegen.repository import REPOSITORY
from sitegen.result_tables import plain, signed

__all__ = ["iwae_sentence", "iwae_table", "iwae_table_text"]

RUNS = REPOSITORY / "results" / "iwae_table"
"""Folder of the runs."""

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
        others: L_5000 of the first 10,000 training images and of the validation images, nats, if it was computed.
    """

    k: int
    passes: float
    bound: float
    log_px: float
    error: float
    units: int
    hours: float
    unreliable: float
    others: tuple[float, ...]


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
    others = [run / "evaluation" / f"importance-{name}.json" for name in ("train-k5000-first10000", "valid-k5000")]
    return Row(
        settings["objective"]["samples"],
        done["samples_seen"] / settings["data"]["n_train"],
        bound["mean"],
        importance["mean"],
        importance["standard_error"],
        information["active_units"],
        done["training_seconds"] / 3600,
        importance["share_above_threshold"],
        tuple(json.loads(path.read_text(encoding="utf-8"))["mean"] for path in others if path.exists()),
    )


def iwae_table() -> str:
    """Return a line for each run: lower bound, L_5000 and active units, beside the published ones, and the hours of training."""
    lines = []
    for row in _rows():
        published, units = PUBLISHED[row.k]
        numbers = (row.bound, row.log_px, published, row.log_px - published)
        beside = (str(row.units), str(units), plain(row.hours, 1))
        lines.append((str(row.k), f"{row.passes:,.0f}", *map(plain, numbers), *beside))
    names = ("K", "passes", "bound (eq. 3)", "L_5000", "published", "difference", "active units", "published", "hours")
    return table(names, lines, "rrrrrrrrr")


def iwae_table_text() -> str:
    """Return what the table shows."""
    rows = _rows()
    sentences = []
    for passes in sorted({row.passes for row in rows}, reverse=True):
        equal = [row for row in rows if row.passes == passes]
        sentences += [_against_published(passes, equal), *_order(equal), *_overfitting(equal)]
    last = max(row.passes for row in rows)
    shares = " and ".join(f"{row.unreliable:.0%} (K = {row.k})" for row in rows if row.passes == last)
    sentences.append(
        f"""L_5000 is a lower bound, here as there. After {last:,.0f} passes Pareto k is above the threshold for {shares} of the images, so
        their log p(x) may lie well above it."""
    )
    return bullets(*sentences)


def iwae_sentence() -> str:
    """Return the sentence of the README on the runs with all of the training."""
    values = [
        f"{plain(row.log_px)} with K = {row.k} (theirs {plain(PUBLISHED[row.k][0])})"
        for row in _rows()
        if row.passes >= PASSES
    ]
    return (
        f"Table 1 of [Burda et al. 2016](docs/iwae/README.md), importance-weighted auto-encoders, after all of their {PASSES:,} passes: "
        f"log p(x) {' and '.join(values)}, one seed."
    )


def _against_published(passes: float, rows: list[Row]) -> str:
    part = (
        f" of {PASSES:,} passes, {passes / PASSES:.0%} of the training"
        if passes < PASSES
        else " passes, all of the training"
    )
    differences = " and ".join(f"{signed(row.log_px - PUBLISHED[row.k][0])} nats (K = {row.k})" for row in rows)
    return f"""**After {passes:,.0f}{part}, ours minus the published log p(x) is {differences}**. The standard error over images is
        {max(row.error for row in rows):.2f}."""


def _order(rows: list[Row]) -> Iterator[str]:
    for former, row in pairwise(rows):
        gain, published = row.log_px - former.log_px, PUBLISHED[row.k][0] - PUBLISHED[former.k][0]
        order = "as published" if gain > 0 else "against the published order"
        yield f"**K = {row.k} has {signed(gain)} nats against K = {former.k}**, {order} ({signed(published)})."


def _overfitting(rows: list[Row]) -> Iterator[str]:
    for row in rows:
        if len(row.others) == 2:
            train, valid = row.others
            gaps = sorted((train - row.log_px, train - valid))
            yield f"""With K = {row.k}, L_5000 of the first 10,000 training images is {plain(train)}, that of the validation images
            {plain(valid)}: the model overfits by {plain(gaps[0], 1)} to {plain(gaps[1], 1)} nats. Theirs had a fifth more training images."""
