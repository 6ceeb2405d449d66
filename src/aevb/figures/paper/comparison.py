"""Our lower bounds beside the paper's at the same number of training samples, for every learning rate.

The paper's value is its own curve, interpolated in log samples_seen; left of the first vertex of the
curve there is no value. A difference is ours minus the paper's, so a positive difference means that our
bound is higher. This table reports the differences without a verdict.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.learning_curves import Curve, curve
from aevb.figures.common.learning_rate_choice import RULE
from aevb.figures.common.method_lines import Line, panels
from aevb.figures.common.origin import convention, meanings, provenances
from aevb.figures.common.style import method, number, panel
from aevb.figures.paper import published
from aevb.runs.run import Run
from aevb.types import PositiveInt

__all__ = ["Comparison"]


class Comparison(Figure):
    """A table as CSV and Markdown.

    Args:
        at: The samples_seen to compare at; a curve that is shorter than all of them is compared at its end.
        select_at: The samples_seen at which learning rates are compared (see
            `aevb.figures.common.learning_rate_choice`).
    """

    name = "comparison"
    command = "aevb-train experiment=figure2_mnist max_samples=1e6"

    def __init__(self, at: list[PositiveInt] | None = None, select_at: PositiveInt = 1_000_000) -> None:
        self.at, self.select_at = sorted(at or [1_000_000, 10_000_000]), select_at

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the finished runs with test bounds at their evaluation points (see `Figure.wanted`)."""
        return [run for run in runs if np.isfinite(run.metrics()["test_bound"]).any()]

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose one row per curve, learning rate and evaluation point (see `Figure.compose`)."""
        by_panel = panels([curve(run) for run in runs], self.select_at)
        rows = [row for panel_key, lines in by_panel.items() for line in lines for row in self._rows(panel_key, line)]
        rule = RULE.format(at=self.select_at)
        caption = (
            f"Lower bound per datapoint (nats), mean over seeds [lowest, highest seed]; paper: {published.SOURCE}, figure 2, "
            f"interpolated in log samples seen. {rule}.\n\n"
        )
        return Drawing(rows, text=f"{caption}{meanings(runs)}\n{markdown_table([_shown(row) for row in rows])}")

    def _rows(self, panel_key: tuple[str, int], line: Line) -> Iterator[dict[str, Any]]:
        data, latent_dim = panel_key
        for candidate in line.selection.candidates:
            end = max(item.last for item in candidate.curves)
            for samples_seen in [point for point in self.at if point <= end] or [end]:
                reached = [item for item in candidate.curves if item.row(samples_seen) is not None]
                if not reached:
                    continue
                yield {
                    "data": data,
                    "latent_dim": latent_dim,
                    "method": line.label,
                    "targets": convention(candidate.curves[0].run),
                    "lr": candidate.lr,
                    "verdict": candidate.verdict,
                    "samples_seen": samples_seen,
                    "seeds": len(reached),
                    **_against_paper(reached, (data, latent_dim, method(line.objective).published), samples_seen),
                    "remark": candidate.remark,
                    **provenances(reached),
                }


def _against_paper(curves: list[Curve], curve_key: tuple[str, int, str | None], samples_seen: int) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for split in ("test", "train"):
        bounds = [item.at(split, samples_seen) for item in curves]
        data, latent_dim, algorithm = curve_key
        paper = published.figure2().get((data, latent_dim, algorithm or "", split))
        paper_bound = paper.at(samples_seen) if paper is not None else float("nan")
        mean_bound = float(np.mean(bounds))
        columns |= {f"{split}_bound": mean_bound, f"{split}_low": min(bounds), f"{split}_high": max(bounds)}
        columns |= {f"{split}_paper": paper_bound, f"{split}_difference": mean_bound - paper_bound}
    return columns


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    texts = {}
    for split in ("test", "train"):
        spread = f" [{number(row[f'{split}_low'])}, {number(row[f'{split}_high'])}]" if row["seeds"] > 1 else ""
        texts[f"{split} bound"] = number(row[f"{split}_bound"]) + spread
        texts[f"{split}, paper"] = number(row[f"{split}_paper"])
        texts[f"{split}, difference"] = number(row[f"{split}_difference"], "+")
    return {
        **panel(row),
        "verdict": row["verdict"],
        "samples seen": f"{row['samples_seen']:,}",
        "seeds": row["seeds"],
        **texts,
        "remark": row["remark"],
    }
