"""SVG elements as text: escaped, with coordinates to a tenth of a pixel.

Points after the first are relative to the one before, in whole tenths, so that rounding does not add up: half as many bytes as
absolute ones.
"""

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
    parts, at = [], None
    for x, y in points:
        if not (math.isfinite(x) and math.isfinite(y)):
            at = None
            continue
        to = round(10 * x), round(10 * y)
        parts.append(f"M{_pair(*to)}" if at is None else f"l{_pair(to[0] - at[0], to[1] - at[1])}")
        at = to
    return "".join(parts)


def _pair(x: int, y: int) -> str:
    first, second = _tenths(x), _tenths(y)
    return f"{first}{second}" if second.startswith("-") else f"{first} {second}"


def _tenths(value: int) -> str:
    # 12 -> 1.2, -5 -> -.5, 30 -> 3
    sign, (whole, rest) = "-" if value < 0 else "", divmod(abs(value), 10)
    return f"{sign}{whole or ''}.{rest}" if rest else f"{sign}{whole}"


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
