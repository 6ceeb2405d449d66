"""Ours against the paper: the comparisons of figure=verdict for the runs of a report, and their counts."""

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from aevb.errors import UserError
from aevb.figures.common.learning_curves import Curve
from aevb.figures.common.method_lines import Panels, panels
from aevb.figures.common.style import dataset
from aevb.figures.paper import published
from aevb.figures.paper.paper_comparison import VERDICTS, compare
from aevb.figures.paper.selection_lead import unsure_selections
from aevb.figures.paper.verdict_limits import count_rows, limitations, reach_rows

__all__ = ["PaperTable", "compare_with_paper", "panel_title"]

AT = [1_000_000, 3_000_000, 10_000_000, 30_000_000, 100_000_000]
SELECT_AT = 1_000_000
STATED = {"mnist": (500, 50_000), "frey_face": (200, 1600)}
"""hidden_dim and data.n_train of the paper's figure 2."""


class PaperTable(NamedTuple):
    """The comparison with the paper.

    Attributes:
        rows: One row for every curve and evaluation point.
        counts: The number of verdicts by tolerance.
        limitations: What limits the comparison, as sentences.
    """

    rows: list[dict[str, Any]]
    counts: list[dict[str, Any]]
    limitations: list[str]

    @property
    def sentence(self) -> str:
        """The verdict at the paper's own tolerance, in one line; empty without a row that counts."""
        rows = [row for row in self.rows if row["counted"]]
        if not rows:
            return ""
        tally = [sum(row["verdict"] == verdict for row in rows) for verdict in VERDICTS]
        return f"{tally[0]} of {len(rows)} bounds match the paper's, {tally[1]} are better, {tally[2]} worse"


def compare_with_paper(curves: list[Curve]) -> PaperTable:
    """Compare runs with the paper's curves.

    Args:
        curves: Learning curves of any runs.

    Returns:
        The table; empty if the paper has no curve of such runs.
    """
    known = {(data, latent_dim) for data, latent_dim, _, _ in published.figure2()}
    curves = [
        item for item in curves if (item.data, item.latent_dim) in known and np.isfinite(item.bound["test"]).any()
    ]
    grouped: Panels = {}
    for key in sorted({(item.data, item.latent_dim) for item in curves}):
        try:
            grouped |= panels([item for item in curves if (item.data, item.latent_dim) == key], SELECT_AT)
        except UserError:
            continue  # learning rates that have no evaluation point in common, as runs that have just begun
    rows = [row for lines in grouped.values() for line in lines for row in compare(line, lines, AT)]
    if not rows:
        return PaperTable([], [], [])
    stated = limitations(rows, reach_rows(grouped)) + unsure_selections(grouped) + _other_settings(curves)
    return PaperTable(rows, count_rows(rows), stated)


def _other_settings(curves: list[Curve]) -> list[str]:
    # One sentence on the runs that were not trained as Figure 2 states, if there are any.
    differing = [names for item in curves if (names := _differing(item.run.settings))]
    if not differing:
        return []
    counts = Counter(name for names in differing for name in names)
    named = ", ".join(f"{name} ({count})" for name, count in counts.most_common())
    count = f"{len(differing)} of {len(curves)} run{'s' * (len(curves) != 1)}"
    return [f"{count} were trained with other settings than those of figure 2 of the paper: {named}."]


def _differing(settings: dict[str, Any]) -> list[str]:
    choices = settings["choices"]
    hidden_dim, n_train = STATED[choices["data"]]
    return [
        name
        for name, value, stated in (
            ("hidden_dim", settings.get("hidden_dim"), hidden_dim),
            ("data.n_train", settings["data"].get("n_train", n_train), n_train),
            ("data.targets", settings["data"].get("targets", "grey"), "grey"),
            ("batch_size", settings.get("batch_size"), 100),
            ("optimizer", choices.get("optimizer"), "adagrad"),
        )
        if value != stated
    ]


def panel_title(row: dict[str, Any]) -> str:
    """Return the data set and latent_dim of a row as a heading.

    Args:
        row: A row of the comparison.
    """
    return f"{dataset(row['data'])}, {row['latent_dim']}"
