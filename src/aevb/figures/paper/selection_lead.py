"""How far the selected learning rate leads the next one, and whether the seeds can tell the two apart.

The lead is the difference of the training bounds at the samples_seen of the selection, paired by the seeds that both
learning rates have, with Student's t interval over these seeds (see `aevb.figures.paper.seed_statistics`). A lead that is
smaller than half its interval may be due to the seeds.
"""

from typing import NamedTuple

import numpy as np

from aevb.figures.common.learning_rate_choice import Candidate, Selection
from aevb.figures.common.method_lines import Panels
from aevb.figures.common.style import dataset
from aevb.figures.paper.seed_statistics import seed_statistics

__all__ = ["Lead", "lead", "unsure_selections"]


class Lead(NamedTuple):
    """The selected learning rate beside the one that comes nearest to it.

    Attributes:
        selected: The selected learning rate.
        other: The learning rate with the smallest lead behind it.
        nats: The mean lead in the training bound over the common seeds, nats per datapoint.
        half_width: Half the width of its 95 % t interval, nats per datapoint.
    """

    selected: float | None
    other: float | None
    nats: float
    half_width: float


def lead(selection: Selection) -> Lead | None:
    """Return how far the selected learning rate leads the next one.

    Args:
        selection: A selection.

    Returns:
        The lead; None if no other learning rate has two seeds or more in common with the selected one.
    """
    chosen = selection.chosen
    bounds = _bounds(chosen, selection.at)
    leads = []
    for other in selection.candidates:
        behind = _bounds(other, selection.at)
        common = sorted(bounds.keys() & behind.keys())
        if other is not chosen and len(common) > 1:
            pairs = seed_statistics([bounds[seed] - behind[seed] for seed in common])
            leads.append(Lead(chosen.lr, other.lr, pairs.mean, pairs.half_width))
    return min(leads, key=lambda item: item.nats, default=None)


def unsure_selections(panels: Panels) -> list[str]:
    """State how many selected learning rates the seeds cannot tell from the next one.

    Args:
        panels: The lines of every panel.

    Returns:
        One sentence, or none.
    """
    leads = [
        (least, f"{dataset(data)}, latent_dim {latent_dim}, {line.label}")
        for (data, latent_dim), lines in panels.items()
        for line in lines
        if (least := lead(line.selection)) is not None
    ]
    unsure = [item for item, _ in leads if item.nats <= item.half_width]
    if not unsure:
        return []
    smallest, where = min(leads, key=lambda pair: pair[0].nats)
    return [
        f"The seeds do not tell {len(unsure)} of {len(leads)} selected learning rates from the next one: zero lies in the 95 % t "
        "interval of the lead (training bound, paired by seed). The smallest lead is "
        f"{smallest.nats:.2g} ± {smallest.half_width:.2g} nats: {smallest.selected:g} before {smallest.other:g} ({where})."
    ]


def _bounds(candidate: Candidate, at: int) -> dict[int, float]:
    bounds = {item.seed: item.at("train", at) for item in candidate.curves}
    return {seed: bound for seed, bound in bounds.items() if np.isfinite(bound)}
