"""How far the comparison with the paper goes: the reach of every curve, the counts, and what limits them.

Every sentence here is computed from the runs. None is typed by hand, so none can outlive the runs.
"""

from typing import Any

from aevb.figures.common.method_lines import Panels
from aevb.figures.common.style import dataset, method
from aevb.figures.paper import published
from aevb.figures.paper.paper_comparison import TOLERANCES, VERDICTS, has_targets_of_the_paper

__all__ = ["absent_panels", "count_rows", "limitations", "reach_rows"]

AXIS_END = 100_000_000
"""Where the axis of the printed figure 2 ends; the vector graphics hold vertices beyond it."""

Rows = list[dict[str, Any]]


def count_rows(rows: Rows) -> Rows:
    """Count the verdicts of runs with the paper's targets at every tolerance, for each data set and for all.

    Args:
        rows: Rows of `aevb.figures.paper.paper_comparison.compare`.

    Returns:
        One row per group and tolerance. "with_seeds" is the number of comparisons with two seeds or more.
    """
    rows = [row for row in rows if row["counted"]]
    groups = {dataset(name): [row for row in rows if row["data"] == name] for name in dict.fromkeys(_data(rows))}
    groups = {**groups, "all": rows} if len(groups) > 1 else groups
    return [
        {
            "data": group,
            "tolerance": tolerance,
            "comparisons": len(members),
            **{word: sum(row[f"verdict_{tolerance:g}"] == word for row in members) for word in VERDICTS},
            "with_seeds": sum(row["seeds"] > 1 for row in members),
            "paper_within_seeds": sum(bool(row["paper_within_seeds"]) for row in members),
            "paper_within_prediction": sum(bool(row["paper_within_prediction"]) for row in members),
        }
        for group, members in groups.items()
        for tolerance in TOLERANCES
    ]


def reach_rows(panels: Panels) -> Rows:
    """List how far every curve goes, beside the end of the paper's curve.

    Args:
        panels: The lines of every panel.

    Returns:
        One row per panel and method that the paper has, for runs with the paper's targets.
    """
    rows = []
    for (data, latent_dim), lines in panels.items():
        for line in (line for line in lines if has_targets_of_the_paper(line.curves[0].run)):
            paper = published.figure2().get((data, latent_dim, method(line.objective).published or "", "test"))
            if paper is not None:
                last = [item.last for item in line.curves]
                end = max(last)
                rows.append(
                    {
                        "data": data,
                        "latent_dim": latent_dim,
                        "method": line.label,
                        "lr": line.selection.chosen.lr,
                        "seeds": len(last),
                        "last_samples_seen": end,
                        "seeds_at_end": last.count(end),
                        "paper_last_samples_seen": min(int(paper.samples_seen[-1]), AXIS_END),
                    }
                )
    return rows


def limitations(rows: Rows, reach: Rows) -> list[str]:
    """State what limits the comparison.

    Args:
        rows: Rows of `aevb.figures.paper.paper_comparison.compare`.
        reach: Rows of `reach_rows`.

    Returns:
        Sentences; an empty list if nothing limits it.
    """
    sentences = []
    other = [row for row in rows if not row["counted"]]
    rows = [row for row in rows if row["counted"]]
    if other:
        sentences.append(
            f"{len(other)} comparisons are of runs whose targets are not grey levels, as the paper's are: they are listed, "
            "not counted."
        )
    single = [row for row in rows if row["seeds"] == 1]
    if single:
        sentences.append(f"{len(single)} of {len(rows)} comparisons rest on one seed and have no interval.")
    few = [row for row in rows if row["seeds"] == 2]
    if few:
        sentences.append(
            f"{len(few)} comparisons rest on two seeds: their 95 % t interval reaches 12.7 standard errors to either side."
        )
    short = [row for row in reach if row["last_samples_seen"] < row["paper_last_samples_seen"]]
    if short:
        furthest = max(short, key=lambda row: row["last_samples_seen"])
        sentences.append(
            f"{len(short)} of {len(reach)} curves end before the paper's; the longest of these ends at "
            f"{furthest['last_samples_seen']:,} of {furthest['paper_last_samples_seen']:,} samples."
        )
    if len(rows) > 1:
        sentences.append(
            "The comparisons are not independent: the points of a curve, and its two splits, are of the same runs."
        )
    outside = [row for row in rows if row["paper_within_seeds"] is False and row["seeds"] > 2]
    if outside:
        sentences.append(
            f"{len(outside)} comparisons with three seeds or more have the paper's value outside the range of the seeds."
        )
    return sentences


def absent_panels(reach: Rows) -> list[str]:
    """State which panels of figure 2 have no run.

    Args:
        reach: Rows of `reach_rows`.

    Returns:
        One sentence, or none.
    """
    present = {(row["data"], row["latent_dim"]) for row in reach}
    absent = sorted({key[:2] for key in published.figure2()} - present)
    names = ", ".join(f"{dataset(data)} with latent_dim={latent_dim}" for data, latent_dim in absent)
    return [f"No run: {names}."] if absent else []


def _data(rows: Rows) -> list[str]:
    return [row["data"] for row in rows]
