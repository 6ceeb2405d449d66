"""Which learning rate and targets come nearest to the paper's test curve, whatever the training bound selects.

The distance is the root mean square difference over the evaluation points that all rivals of a panel have
reached. This is evidence about what the paper ran. It never selects a learning rate, because it looks at
the test set and at the paper's curve.
"""

from typing import Any, NamedTuple

import numpy as np

from aevb.figures.common.learning_rate_choice import Candidate
from aevb.figures.common.method_lines import Line
from aevb.figures.common.origin import convention, provenances
from aevb.figures.common.style import dataset, method, number
from aevb.figures.paper import published
from aevb.figures.paper.paper_comparison import candidate_mean

__all__ = ["evidence_rows", "evidence_shown"]


class _Item(NamedTuple):
    algorithm: str
    line: Line
    candidate: Candidate
    differences: dict[int, float]


def evidence_rows(panel: tuple[str, int], lines: list[Line], at: list[int]) -> list[dict[str, Any]]:
    """Compare every learning rate of a panel with the paper's test curve.

    Args:
        panel: The data set and latent_dim.
        lines: The lines of the panel.
        at: The samples_seen to compare at.

    Returns:
        One row per method and learning rate.
    """
    items = []
    for line in lines:
        algorithm = method(line.objective).published or ""
        paper = published.figure2().get((*panel, algorithm, "test"))
        if paper is None:
            continue
        for candidate in line.selection.candidates:
            differences = {x: candidate_mean(candidate, x) - paper.at(x) for x in at}
            finite = {x: value for x, value in differences.items() if np.isfinite(value)}
            if finite:
                items.append(_Item(algorithm, line, candidate, finite))
    distances = [_rms(item, [other for other in items if other.algorithm == item.algorithm]) for item in items]
    pairs = list(zip(items, distances, strict=True))
    nearest = {item.algorithm: min(rms for other, rms in pairs if other.algorithm == item.algorithm) for item in items}
    return [
        {
            "data": panel[0],
            "latent_dim": panel[1],
            "method": item.line.label,
            "targets": convention(item.candidate.curves[0].run),
            "lr": item.candidate.lr,
            "seeds": len(item.candidate.curves),
            **{f"difference_at_{x}": item.differences.get(x) for x in at},
            "rms": rms,
            "nearest": "nearest" if rms == nearest[item.algorithm] else "",
            "selected": item.candidate.verdict,
            "remark": item.candidate.remark,
            **provenances(item.candidate.curves),
        }
        for item, rms in pairs
    ]


def evidence_shown(row: dict[str, Any], at: list[int]) -> dict[str, Any]:
    """Format a row of evidence for a Markdown table.

    Args:
        row: A row of `evidence_rows`.
        at: The samples_seen that were compared.

    Returns:
        The columns as text.
    """
    return {
        "data": dataset(row["data"]),
        "latent_dim": row["latent_dim"],
        "method": row["method"],
        "targets": row["targets"],
        "learning rate": "" if row["lr"] is None else f"{row['lr']:g}",
        "seeds": row["seeds"],
        **{f"at {x:,}": number(row[f"difference_at_{x}"], "+") for x in at},
        "rms": number(row["rms"]),
        "": row["nearest"],
        "by training bound": row["selected"],
    }


def _rms(item: _Item, rivals: list[_Item]) -> float:
    """The root mean square over the evaluation points common to all rivals; else over the item's own."""
    common = set.intersection(*(set(other.differences) for other in rivals)) or set(item.differences)
    return float(np.sqrt(np.mean([item.differences[x] ** 2 for x in common])))
