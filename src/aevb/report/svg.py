"""SVG elements as text: escaped, with coordinates to a tenth of a pixel."""

import math
from collections.abc import Iterable

from markupsafe import Markup, escape

__all__ = ["area", "element", "path"]


def element(tag: str, content: str = "", **attributes: object) -> Markup:
    """Return an element.

    Args:
        tag: Its name.
        content: Text, which is escaped, or markup.
        attributes: Underscores stand for hyphens, a last one is left out (`class_`); None: no such attribute.
    """
    named = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_shown(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{tag}{named}>{escape(content)}</{tag}>" if content else f"<{tag}{named}/>")


def path(points: Iterable[tuple[float, float]]) -> str:
    """Return the `d` of a line through points; it breaks where one is not finite.

    Args:
        points: The points (x, y), pixels.
    """
    parts, open_ = [], False
    for x, y in points:
        finite = math.isfinite(x) and math.isfinite(y)
        if finite:
            parts.append(f"{'L' if open_ else 'M'}{_shown(x)} {_shown(y)}")
        open_ = finite
    return "".join(parts)


def area(points: list[tuple[float, float, float]]) -> str:
    """Return the `d` of the band between (x, low) and (x, high); points that are not finite are left out.

    Args:
        points: The points (x, low, high), pixels.
    """
    finite = [point for point in points if all(map(math.isfinite, point))]
    if len(finite) < 2:
        return ""
    there = path((x, high) for x, _, high in finite)
    back = path((x, low) for x, low, _ in reversed(finite))
    return f"{there}L{back[1:]}Z"


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0").replace("-0", "0") if value == 0 else f"{value:.1f}".removesuffix(".0")
    return str(value)
