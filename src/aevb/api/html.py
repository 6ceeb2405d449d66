"""HTML of a run for notebooks. Whatever comes from a run directory is escaped; styles stand at the elements.

A notebook may be shown where style sheets are removed, so the picture of the curves has its colours as attributes.
"""

import base64
import io
import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from PIL import Image

from aevb.console.printable import with_error
from aevb.report.scales import Scale, linear_ticks, log_ticks, power_of_ten, short_number
from aevb.report.svg import element, path

__all__ = ["curves", "number_with_error", "picture", "rows_table"]

WIDTH, HEIGHT = 420, 250
LEFT, RIGHT, TOP, BOTTOM = 56, 18, 26, 36
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")  # Okabe & Ito, for all kinds of colour vision
FONT = {"font_size": "11", "font_family": "sans-serif", "fill": "currentColor"}


def number_with_error(mean: float, error: float) -> str:
    """Return "mean ± error"; the mean alone where there is no error.

    Args:
        mean: The mean.
        error: Its standard error; nan if there is none.
    """
    return with_error(mean, error, 3).replace("-", "−")


def rows_table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> Markup:
    """Return a table of text.

    Args:
        heads: The headings of the columns.
        rows: The cells of each row.
    """
    head = Markup("").join(Markup('<th style="text-align: left">{}</th>').format(text) for text in heads)
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(Markup('<td style="text-align: left">{}</td>').format(cell) for cell in row)
        )
        for row in rows
    )
    return Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(head, body)


def picture(levels: np.ndarray, description: str) -> Markup:
    """Return a picture as an inline PNG.

    Args:
        levels: Grey levels in [0, 1], (height, width).
        description: What it shows.
    """
    file = io.BytesIO()
    Image.fromarray(np.round(255 * levels).astype(np.uint8)).save(file, format="PNG")
    source = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    return Markup('<img src="{}" alt="{}" title="{}">').format(source, description, description)


def curves(samples_seen: np.ndarray, lines: dict[str, np.ndarray], title: str) -> Markup:
    """Return learning curves as an inline SVG.

    Args:
        samples_seen: Training samples seen at each evaluation point, (R,); the axis is logarithmic.
        lines: Values by name, each (R,), nats; at least one of them is finite.
        title: What is shown, for screen readers.
    """
    right = float(samples_seen[-1])
    left = min(float(max(1, samples_seen[0])), right / 10)
    x = Scale(left, right, LEFT, WIDTH - RIGHT, logarithmic=True)
    y = Scale(*_range(samples_seen, lines, math.sqrt(left * right)), HEIGHT - BOTTOM, TOP)
    drawn = [_line(samples_seen, values, x, y, colour) for values, colour in zip(lines.values(), COLOURS, strict=False)]
    box = {"x": LEFT - 3, "y": TOP - 3, "width": WIDTH - LEFT - RIGHT + 6, "height": HEIGHT - TOP - BOTTOM + 6}
    plot = element("svg", Markup("").join(drawn), **box, viewBox=" ".join(map(str, box.values())))  # cuts the curves
    content = Markup("").join([element("title", title), *_axes(x, y), plot, *_legend(list(lines))])
    attributes = {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "width": WIDTH, "height": HEIGHT, "role": "img"}
    return element("svg", content, xmlns="http://www.w3.org/2000/svg", **attributes)


def _range(samples_seen: np.ndarray, lines: dict[str, np.ndarray], start: float) -> tuple[float, float]:
    """Every curve is shown whole from the middle of the axis on; a steeper beginning is cut."""
    late = [values[samples_seen >= min(start, samples_seen[-1])] for values in lines.values()]
    values = np.concatenate(late)
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    margin = 0.05 * (high - low) or max(1.0, 0.01 * abs(high))
    return low - margin, high + margin


def _line(samples_seen: np.ndarray, values: np.ndarray, x: Scale, y: Scale, colour: str) -> Markup:
    points = [(x(float(a)), y(float(b))) for a, b in zip(samples_seen, values, strict=True)]
    dots = [element("circle", cx=a, cy=b, r="2.5", fill=colour) for a, b in points if math.isfinite(a + b)]
    line = element("path", d=path(points), fill="none", stroke=colour, stroke_width="1.8")
    return Markup("").join([line, *dots])


def _axes(x: Scale, y: Scale) -> list[Markup]:
    grid = {"stroke": "currentColor", "stroke_opacity": "0.15", "fill": "none"}
    parts = []
    for value in linear_ticks(y.low, y.high):
        parts.append(element("path", d=f"M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}", **grid))
        parts.append(element("text", short_number(value), x=LEFT - 6, y=y(value) + 3.5, text_anchor="end", **FONT))
    for value in log_ticks(x.low, x.high):
        parts.append(element("path", d=f"M{x(value):.1f} {TOP}V{HEIGHT - BOTTOM}", **grid))
        low = HEIGHT - BOTTOM + 14
        parts.append(element("text", power_of_ten(value), x=x(value), y=low, text_anchor="middle", **FONT))
    parts.append(
        element("path", d=f"M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}", fill="none", stroke="currentColor")
    )
    middle = {"x": (LEFT + WIDTH - RIGHT) / 2, "y": HEIGHT - 4, "text_anchor": "middle"}
    parts.append(element("text", "training samples seen", **middle, **FONT))
    turned = f"rotate(-90 11 {(TOP + HEIGHT - BOTTOM) / 2:.0f})"
    side = {"x": 11, "y": (TOP + HEIGHT - BOTTOM) / 2, "text_anchor": "middle", "transform": turned}
    return [*parts, element("text", "lower bound, nats per datapoint", **side, **FONT)]


def _legend(names: list[str]) -> list[Markup]:
    parts, x = [], LEFT
    for name, colour in zip(names, COLOURS, strict=False):
        parts.append(element("path", d=f"M{x} {TOP - 13}h18", stroke=colour, stroke_width="2.5", fill="none"))
        parts.append(element("text", name, x=x + 23, y=TOP - 9, **FONT))
        x += 40 + 7 * len(name)
    return parts
