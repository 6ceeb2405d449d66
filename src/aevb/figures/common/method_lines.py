"""The lines of a panel: one line per method at its selected learning rate, with a label and a colour."""

from typing import NamedTuple

from aevb.figures.common.learning_curves import Curve, families
from aevb.figures.common.learning_rate_choice import Selection, select
from aevb.figures.common.method_labels import labels
from aevb.figures.common.style import MORE, SPARE, method

__all__ = ["Line", "Panels", "colours_of", "panels"]


class Line(NamedTuple):
    """One method in one panel.

    Attributes:
        label: The name of the method in the legend.
        colour: The colour of the line.
        objective: The name of the objective in conf/objective.
        selection: The selection of the learning rate.
    """

    label: str
    colour: str
    objective: str
    selection: Selection

    @property
    def curves(self) -> list[Curve]:
        """The runs at the selected learning rate, ordered by seed."""
        return self.selection.chosen.curves


Panels = dict[tuple[str, int], list[Line]]


def panels(curves: list[Curve], select_at: int) -> Panels:
    """Group curves into the lines of panels; a label has the same colour in every panel.

    Args:
        curves: The curves of all runs.
        select_at: The samples_seen at which learning rates are compared.

    Returns:
        The lines by (data set, latent_dim).
    """
    names = labels(curves)
    colours = colours_of({names[item.data, item.config_key]: item.objective for item in curves})
    result: Panels = {}
    for (data, latent_dim, config_key), group in families(curves).items():
        label, objective = names[data, config_key], group[0].objective
        line = Line(label, colours[label], objective, select(group, select_at))
        result.setdefault((data, latent_dim), []).append(line)
    return result


def colours_of(objectives: dict[str, str]) -> dict[str, str]:
    """Choose a colour for every label.

    Args:
        objectives: The name of the objective in conf/objective by label.

    Returns:
        The colours by label; they differ as long as there are colours left.
    """
    colours: dict[str, str] = {}
    # The plain method first, so that it has its own colour in every figure; variants take what is left.
    for label, objective in sorted(objectives.items(), key=lambda pair: (pair[0] != method(pair[1]).label, pair)):
        free = [colour for colour in (method(objective).colour, *SPARE, *MORE) if colour not in colours.values()]
        colours[label] = free[0] if free else SPARE[-1]
    return colours
