"""Figure 2: the lower bound against training samples, our runs and the paper's own curves.

There is one panel per data set and latent_dim. Solid lines are the test bound; dashed lines are the
training bound, a running average as in the paper. A line is the mean over seeds, and its band extends
from the lowest to the highest seed.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from aevb.figures.common import learning_curves as learning
from aevb.figures.common import learning_rate_choice as selection
from aevb.figures.common import origin
from aevb.figures.common.base import CsvLines, Drawing, Figure, markdown_table
from aevb.figures.common.method_lines import Line, Panels, panels
from aevb.figures.paper import published
from aevb.figures.paper.figure2_canvas import PAPER, draw
from aevb.runs.run import Run
from aevb.types import PositiveInt

__all__ = ["Figure2"]


class Figure2(Figure):
    """The lower bound against samples_seen.

    Args:
        select_at: The samples_seen at which learning rates are compared (see
            `aevb.figures.common.learning_rate_choice`).
        x_max: The right end of the axis, samples; None for the longest run of the row.
    """

    name = "figure2"
    command = "aevb-train experiment=figure2_mnist max_samples=1e6"

    def __init__(self, select_at: PositiveInt = 1_000_000, x_max: PositiveInt | None = None) -> None:
        self.select_at, self.x_max = select_at, x_max

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the finished runs with test bounds at their evaluation points (see `Figure.wanted`)."""
        return [run for run in runs if np.isfinite(run.metrics()["test_bound"]).any()]

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose the panels, their numbers and the table of learning rates (see `Figure.compose`)."""
        by_panel = panels([learning.curve(run) for run in runs], self.select_at)
        right = {data: self._right(data, by_panel) for data, _ in by_panel}
        rows = [row for panel_key, lines in by_panel.items() for row in _rows(panel_key, lines, right[panel_key[0]])]
        learning_rates = [
            row for lines in by_panel.values() for line in lines for row in selection.rows(line.selection)
        ]
        caption = (
            "Lower bound per datapoint (nats) against training samples seen. Lines: mean over seeds; bands: lowest to "
            f"highest seed. Paper: {published.SOURCE}. {selection.RULE.format(at=self.select_at)}.\n\n"
        )
        return Drawing(
            rows,
            draw(by_panel, right),
            {"learning_rates": learning_rates},
            f"{caption}{origin.meanings(runs)}\n{_table(learning_rates)}",
        )

    def _right(self, data: str, by_panel: Panels) -> float:
        lines = [line for panel_key, lines in by_panel.items() if panel_key[0] == data for line in lines]
        return float(self.x_max or max(item.last for line in lines for item in line.curves))


def _rows(panel_key: tuple[str, int], lines: list[Line], right: float) -> Iterator[dict[str, Any]]:
    data, latent_dim = panel_key
    panel = {"data": data, "latent_dim": latent_dim}
    for line in lines:
        facts = {**panel, "method": line.label, "lr": line.selection.chosen.lr}
        for split in ("train", "test"):
            shared = {**facts, "split": split}
            for item in line.curves:
                curve = {"samples_seen": item.samples_seen.tolist(), "lower_bound": item.bound[split].tolist()}
                yield CsvLines(source="run", **shared, **curve, seed=item.seed, **origin.provenance(item.run))
            x, y, low, high, seeds = (column.tolist() for column in learning.band(line.curves, split))
            spread = {"low": low, "high": high, "seeds": seeds}
            curve = {"samples_seen": x, "lower_bound": y}
            yield CsvLines(source="mean", **shared, **curve, **spread, **origin.provenances(line.curves))
    for algorithm, split, polyline in published.panel(data, latent_dim, right):
        facts = {**panel, "method": PAPER[algorithm], "split": split}
        for x, y in zip(*polyline, strict=True):
            yield {"source": published.SOURCE, **facts, "samples_seen": int(x), "lower_bound": y}


def _table(rows: list[dict[str, Any]]) -> str:
    return markdown_table(
        [
            {
                "data": row["data"],
                "latent_dim": row["latent_dim"],
                "method": row["objective"],
                "targets": row["targets"],
                "learning rate": "" if row["lr"] is None else f"{row['lr']:g}",
                "verdict": row["verdict"],
                "training bound": f"{row['train_bound']:.5g} at {row['compared_at']:,}",
                "seeds": row["seeds"],
                "remark": row["remark"],
            }
            for row in rows
        ]
    )
