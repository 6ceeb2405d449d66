"""Which curves stand together: a panel for every data set, latent dimension and family of p(x|z), whose bounds can be compared.

Within a panel there is a line for every method and learning rate.
"""

import hashlib
import re
from collections import Counter
from typing import NamedTuple

from aevb.figures.common.learning_curves import Curve, curve, families, once_per_seed
from aevb.figures.common.method_labels import labels
from aevb.figures.common.style import dataset, method
from aevb.files.atomic import utf8
from aevb.files.natural_order import natural_key
from aevb.report.records import DAMAGE, RunRecord
from aevb.runs.likelihood import stated_likelihood

__all__ = ["STYLES", "Line", "Panel", "curves_of", "line_key", "panels"]

STYLES = 20
"""Ten colours, each with two dashes (page.css): as many as a panel has lines."""
OF_THE_PAPER = {"mnist": "bernoulli", "frey_face": "gaussian"}
"""The family of p(x|z) by data set, of Figure 2."""
MOST_PANELS = 24
MOST_LINES = 20  # of a panel


def line_key(name: str) -> str:
    """Return what stands for a line in the page, shorter than its name.

    Args:
        name: The name of the line.
    """
    return hashlib.sha256(utf8(name)).hexdigest()[:6]


class Line(NamedTuple):
    """Runs that differ in the seed alone.

    Attributes:
        name: The name among the lines of all panels.
        label: The name among the lines of its panel, as in its legend.
        style: The index of the colour and the dash.
        published: The algorithm of the paper; None if it has none.
        curves: The learning curves, by seed.
    """

    name: str
    label: str
    style: int
    published: str | None
    curves: list[Curve]


class Panel(NamedTuple):
    """The lines of one data set, latent_dim and family of p(x|z).

    Attributes:
        data: The name of the data set.
        latent_dim: J, the number of latent dimensions.
        likelihood: The family of p(x|z); "another" if the decoder states none.
        is_only_family: Whether the runs with this data set and latent_dim have no other family.
        lines: The lines that are drawn.
        left_out: The number of lines that are not drawn.
    """

    data: str
    latent_dim: int
    likelihood: str
    is_only_family: bool
    lines: list[Line]
    left_out: int

    @property
    def title(self) -> str:
        """As a heading."""
        family = "" if self.is_only_family else f", {self.likelihood} p(x|z)"
        return f"{dataset(self.data)}, latent_dim {self.latent_dim}{family}"

    @property
    def is_in_paper(self) -> bool:
        """Whether curves of Figure 2 can stand beside these."""
        return OF_THE_PAPER.get(self.data) == self.likelihood


def curves_of(records: list[RunRecord]) -> tuple[list[Curve], list[str]]:
    """Return the learning curves of the runs that have one, and why the others have none or are not counted.

    Args:
        records: The runs.
    """
    curves, reasons = [], []
    for record in records:
        if record.settings and record.table:
            try:
                curves.append(curve(record))
            except DAMAGE as error:
                reasons.append(f"{record.name}: no curve, its config has no {' '.join(str(error).split())}")
    for item, repeats in once_per_seed(curves):
        reasons += [
            f"{other.run.name}: the settings and the seed of {item.run.name}, so it is not counted in means and intervals"
            for other in repeats
        ]
    return curves, reasons


def panels(curves: list[Curve]) -> tuple[list[Panel], int]:
    """Group curves.

    Args:
        curves: Of any number of data sets, methods, learning rates and seeds.

    Returns:
        The panels to draw, and the number of panels beyond the most that are drawn.
    """
    names = labels(curves)
    groups: dict[tuple[str, int, str], dict[str, list[Curve]]] = {}
    rates_named: dict[str, str] = {}
    for (data, latent_dim, config_key), family in families(curves).items():
        rates = {item.lr for item in family}
        likelihood = stated_likelihood(family[0].run.settings) or "another"
        for item in sorted(family, key=lambda item: (item.lr is not None, item.lr or 0.0, item.seed)):
            rate = f", lr {item.lr:g}" if len(rates) > 1 and item.lr is not None else ""
            name = names[data, config_key] + rate
            rates_named[name] = rate
            groups.setdefault((data, latent_dim, likelihood), {}).setdefault(name, []).append(item)
    styles = _styles([list(lines) for lines in groups.values()])
    several = Counter((data, latent_dim) for data, latent_dim, _ in groups)
    drawn = []
    for panel, group in groups.items():
        own = _own_labels(group, rates_named)
        lines = [
            Line(name, own[name], styles[name], method(group[name][0].objective).published, group[name])
            for name in sorted(group, key=lambda name: _by_numbers(own[name]))
        ]
        is_only_family, left_out = several[panel[:2]] == 1, max(0, len(lines) - MOST_LINES)
        drawn.append(Panel(*panel, is_only_family, lines[:MOST_LINES], left_out))
    return drawn[:MOST_PANELS], max(0, len(drawn) - MOST_PANELS)


def _by_numbers(label: str) -> list[str | float]:
    """The order of labels: by their numbers as numbers, so that lr 0.003 comes before lr 0.01."""
    parts = re.split(r"(\d+(?:\.\d+)?(?:e[+-]?\d+)?)", label)
    return [float(part) if index % 2 else part for index, part in enumerate(parts)]


def _own_labels(lines: dict[str, list[Curve]], rates_named: dict[str, str]) -> dict[str, str]:
    """The labels of the lines of one panel by their names: shorter, with what differs within the panel alone."""
    names = labels([item for curves in lines.values() for item in curves])
    own = {name: names[first.data, first.config_key] + rates_named[name] for name, (first, *_) in lines.items()}
    return own if len(set(own.values())) == len(own) else {name: name for name in lines}


def _styles(groups: list[list[str]]) -> dict[str, int]:
    """One style for every name, the same in all panels; names that share a panel differ as long as there are styles."""
    styles: dict[str, int] = {}
    for name in sorted({name for group in groups for name in group}, key=natural_key):
        beside = [styles[other] for group in groups if name in group for other in group if other in styles]
        styles[name] = min(range(STYLES), key=lambda style: (beside.count(style), style))
    return styles
