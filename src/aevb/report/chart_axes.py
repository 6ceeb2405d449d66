"""The frame of a chart of the report: its size, axes, grid and labels."""

from markupsafe import Markup

from aevb.report.scales import Scale, linear_ticks, log_ticks, power_of_ten, short_number
from aevb.report.svg import element

__all__ = ["BOTTOM", "HEIGHT", "LEFT", "RIGHT", "TOP", "WIDTH", "axes"]

WIDTH, HEIGHT = 380, 250
"""The size of a chart, in its own units."""
LEFT, RIGHT, TOP, BOTTOM = 58, 18, 8, 34
"""The margins around the curves."""


def axes(x: Scale, y: Scale, name: str) -> list[Markup]:
    """Draw the axes, the grid and the labels of a chart.

    Args:
        x: The horizontal scale, training samples seen.
        y: The vertical scale.
        name: The label of the vertical axis: the unit, or the quantity if it has none.

    Returns:
        The elements.
    """
    grid, left_ticks, ticks = list[str](), list[Markup](), list[Markup]()
    for value in linear_ticks(y.low, y.high):
        grid.append(f"M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}")
        left_ticks.append(element("text", short_number(value), x=LEFT - 6, y=y(value) + 3.5))
    for value in log_ticks(x.low, x.high):
        grid.append(f"M{x(value):.1f} {TOP}V{HEIGHT - BOTTOM}")
        ticks.append(element("text", power_of_ten(value), x=x(value), y=HEIGHT - BOTTOM + 14))
    parts = [
        element("path", d="".join(grid), class_="grid"),
        element("g", Markup("").join(left_ticks), text_anchor="end"),
        element("g", Markup("").join(ticks), text_anchor="middle"),
    ]
    parts.append(element("path", d=f"M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}", class_="axis"))
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(element("text", "training samples seen", x=middle, y=HEIGHT - 4, class_="label", text_anchor="middle"))
    turned = f"rotate(-90 10 {(TOP + HEIGHT - BOTTOM) / 2:.0f})"
    parts.append(
        element(
            "text", name, x=10, y=(TOP + HEIGHT - BOTTOM) / 2, class_="label", text_anchor="middle", transform=turned
        )
    )
    return parts
