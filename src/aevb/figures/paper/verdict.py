"""The verdict: our curves of figure 2 compared with the paper's, with statistics over seeds.

`aevb.figures.paper.paper_comparison` has the comparison, `verdict_evidence` the learning rate and targets
nearest to the paper's curve, `verdict_limits` the counts and limitations, `verdict_canvas` the picture.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.learning_curves import curve
from aevb.figures.common.learning_rate_choice import RULE
from aevb.figures.common.method_lines import panels
from aevb.figures.common.origin import meanings
from aevb.figures.common.style import dataset, number, panel
from aevb.figures.paper import published
from aevb.figures.paper.paper_comparison import TOLERANCE, compare
from aevb.figures.paper.selection_lead import unsure_selections
from aevb.figures.paper.verdict_canvas import draw_verdict
from aevb.figures.paper.verdict_evidence import evidence_rows, evidence_shown
from aevb.figures.paper.verdict_limits import absent_panels, count_rows, limitations, reach_rows
from aevb.runs.run import Run
from aevb.types import PositiveInt

__all__ = ["Verdict"]

Rows = Sequence[dict[str, Any]]


class Verdict(Figure):
    """Tables as CSV, JSON and Markdown, and a picture.

    Args:
        at: The samples_seen to compare at.
        select_at: The samples_seen at which learning rates are compared (see
            `aevb.figures.common.learning_rate_choice`).
    """

    name = "verdict"
    command = "aevb-train experiment=figure2_mnist max_samples=1e6"

    def __init__(self, at: list[PositiveInt] | None = None, select_at: PositiveInt = 1_000_000) -> None:
        self.at, self.select_at = sorted(at or [1_000_000, 3_000_000, 10_000_000]), select_at

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return the finished runs of a panel of figure 2 that have test bounds (see `Figure.wanted`)."""
        known = {(data, latent_dim) for data, latent_dim, _, _ in published.figure2()}
        return [
            run
            for run in runs
            if (str(run.settings["choices"]["data"]), run.settings["latent_dim"]) in known
            and np.isfinite(run.metrics()["test_bound"]).any()
        ]

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose a row per curve and evaluation point, and the tables beside it (see `Figure.compose`)."""
        grouped = panels([curve(run) for run in runs], self.select_at)
        rows = [row for lines in grouped.values() for line in lines for row in compare(line, lines, self.at)]
        evidence = [row for key, lines in grouped.items() for row in evidence_rows(key, lines, self.at)]
        counts, reach = count_rows(rows), reach_rows(grouped)
        tables: dict[str, Rows] = {"evidence": evidence, "counts": counts, "reach": reach}
        nothing = f"No run reaches {self.at[0]:,} samples, the first point of the comparison: no bound is compared, and there is no picture."
        limits = (
            ([] if rows else [nothing]) + limitations(rows, reach) + unsure_selections(grouped) + absent_panels(reach)
        )
        numbers: dict[str, Rows] = {"curves": rows, **tables}
        json = {key: [_plain(row) for row in table] for key, table in numbers.items()} | {"limitations": limits}
        text = self._text(runs, rows, limits, tables)
        return Drawing(rows, draw_verdict(rows) if rows else None, tables, text, json)

    def _text(self, runs: list[Run], rows: Rows, limits: list[str], tables: dict[str, Rows]) -> str:
        head = (
            f"Ours minus the paper's ({published.SOURCE}, figure 2, interpolated in log samples seen), nats per datapoint. "
            f"Ours is the mean over seeds. A bound matches within {TOLERANCE:g} nat and the digitisation error (0.05 nat on "
            "MNIST, 0.5 nat on Frey Face). ± is half the 95 % t interval of the mean over seeds; s.e. is the standard error "
            f"of the mean over test images at the end of the run. {RULE.format(at=self.select_at)}. The prediction interval is where "
            "one further seed falls with a probability of 95 %; the paper ran one seed. In the last table, rms is the root mean "
            "square difference over the evaluation points that all rows of a panel and a method have; it selects nothing."
        )
        sections = {
            "How many bounds match": [_count_shown(row) for row in tables["counts"]],
            "Every bound": [_shown(row) for row in rows],
            "How far the curves go": [_reach_shown(row) for row in tables["reach"]],
            "Which learning rate and targets come nearest to the paper's test curve": [
                evidence_shown(row, self.at) for row in tables["evidence"]
            ],
        }
        body = "".join(f"\n## {title}\n\n{markdown_table(table)}" for title, table in sections.items() if table)
        stated = "".join(f"* {sentence}\n" for sentence in limits)
        return f"{head}\n\n{meanings(runs)}\n## Limitations\n\n{stated}{body}"


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    # JSON has no nan, and numpy's numbers are not its own.
    values = {key: value.item() if isinstance(value, np.generic) else value for key, value in row.items()}
    return {key: None if isinstance(value, float) and np.isnan(value) else value for key, value in values.items()}


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    several = row["seeds"] > 1
    return {
        **panel(row),
        "split": row["split"],
        "samples seen": f"{row['samples_seen']:,}",
        "seeds": row["seeds"],
        "ours": number(row["ours"]) + (f" ± {number(row['interval'])}" if several else ""),
        "lowest to highest seed": f"{number(row['lowest'])} to {number(row['highest'])}" if several else "one seed",
        "paper": number(row["paper"]),
        "difference": number(row["difference"], "+"),
        "s.e.": number(row["standard_error"]),
        "verdict": row["verdict"],
        "paper within the seeds": {None: "", True: "yes", False: "no"}[row["paper_within_seeds"]],
        "other runs that match": row["why"],
    }


def _count_shown(row: dict[str, Any]) -> dict[str, Any]:
    seeds = row["with_seeds"]
    return {
        "data": row["data"],
        "tolerance (nats)": f"{row['tolerance']:g}",
        "comparisons": row["comparisons"],
        **{word: row[word] for word in ("matches", "better", "worse")},
        "paper within the seeds": f"{row['paper_within_seeds']} of {seeds}",
        "paper within the prediction interval": f"{row['paper_within_prediction']} of {seeds}",
    }


def _reach_shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "data": dataset(row["data"]),
        "latent_dim": row["latent_dim"],
        "method": row["method"],
        "learning rate": "" if row["lr"] is None else f"{row['lr']:g}",
        "seeds": row["seeds"],
        "last samples seen": f"{row['last_samples_seen']:,}",
        "seeds there": row["seeds_at_end"],
        "the paper's last, of at most 1e8": f"{row['paper_last_samples_seen']:,}",
    }
