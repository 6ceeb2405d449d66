"""One panel of runs with a single evaluation point as SVG: a row for each line, the highest value first."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from aevb.report.chart_axes import RIGHT, TOP, WIDTH
from aevb.report.quantities import short
from aevb.report.scales import Scale, linear_ticks, short_number
from aevb.report.svg import element, path

__all__ = ["Ranked", "ranking"]

LEFT, ROW, BOTTOM = 14, 27, 34
"""Margins and the height of a row, in the units of the chart."""
LONGEST = 48
"""Characters of a label that are shown."""


class Ranked(NamedTuple):
    """A row.

    Attributes:
        label: Its name.
        value: The mean over the seeds.
        low: The lowest seed.
        high: The highest seed.
        attributes: Of the group of its elements.
    """

    label: str
    value: float
    low: float
    high: float
    attributes: dict[str, str]


def ranking(rows: Sequence[Ranked], zero: bool, unit: str, title: str) -> tuple[list[Markup], int]:
    """Draw a row for each value on one axis, with its name and number above it.

    Args:
        rows: The rows, in any order; at least one.
        zero: Whether the axis contains 0, with a line there.
        unit: The unit of the values.
        title: The label of the axis if they have none.

    Returns:
        The elements and the height of the chart, in its own units.
    """
    ends = [row.low for row in rows] + [row.high for row in rows] + [0.0] * zero
    margin = 0.05 * (max(ends) - min(ends)) or max(1.0, 0.01 * abs(max(ends)))
    x = Scale(min(ends) - margin, max(ends) + margin, LEFT, WIDTH - RIGHT)
    bottom = TOP + ROW * len(rows)
    ticks = linear_ticks(x.low, x.high)
    parts = [element("path", d="".join(f"M{x(value):.1f} {TOP}V{bottom}" for value in ticks), class_="grid")]
    if zero:
        parts.append(element("path", d=f"M{x(0.0):.1f} {TOP}V{bottom}", class_="zero"))
    parts.append(element("path", d=f"M{LEFT} {bottom}H{WIDTH - RIGHT}", class_="axis"))
    labels = [element("text", short_number(value), x=x(value), y=bottom + 14) for value in ticks]
    parts.append(element("g", Markup("").join(labels), text_anchor="middle"))
    parts.append(
        element(
            "text", unit or title, x=(LEFT + WIDTH - RIGHT) / 2, y=bottom + 30, class_="label", text_anchor="middle"
        )
    )
    for index, row in enumerate(sorted(rows, key=lambda row: -row.value)):
        parts.append(_row(row, x, TOP + ROW * index, unit))
    return parts, bottom + BOTTOM


def _row(row: Ranked, x: Scale, top: int, unit: str) -> Markup:
    middle = top + 20
    label = row.label if len(row.label) <= LONGEST else f"{row.label[: LONGEST - 1]}…"
    parts = [
        element("path", d=f"M{LEFT} {middle}H{WIDTH - RIGHT}", class_="grid"),
        element("text", label, x=LEFT, y=top + 12),
        element("text", short(row.value, unit), x=WIDTH - RIGHT, y=top + 12, text_anchor="end"),
        element("path", d=path([(x(row.low), middle), (x(row.high), middle)]), class_="mean main")
        if row.high > row.low
        else Markup(""),
        element(
            "path",
            element("title", f"{row.label}: {short(row.value, unit)}"),
            d=f"{path([(x(row.value), middle)])}h0",
            class_="dot circle",
        ),
    ]
    return element("g", Markup("").join(parts), **row.attributes)
