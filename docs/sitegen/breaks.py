"""A Sphinx extension that lets long words in tables break after a separator.

The name of a test or a command with ten overrides makes its column as wide as itself; the columns of prose beside it are left
with one word on each line, and the last column lies outside the page. `<wbr>` is where a browser may break a line; unlike a
space of no width it is not copied with a command.
"""

import re
from typing import Any

__all__ = ["breakable", "setup"]

LONG = 24  # characters; keys and names of options are shorter, and stay whole
CELL = re.compile(r"<td\b.*?</td>", re.DOTALL)
TEXT = re.compile(r">([^<]+)<")
WORD = re.compile(rf"\S{{{LONG},}}")
SEPARATOR = re.compile(r"(::|[/=,_#])(?=\w)")


def breakable(html: str) -> str:
    """Return HTML in which long words in the cells of tables may break.

    Args:
        html: The body of a page.
    """

    def word(match: re.Match[str]) -> str:
        return SEPARATOR.sub(r"\1<wbr>", match[0])

    def text(match: re.Match[str]) -> str:
        return f">{WORD.sub(word, match[1])}<"

    return CELL.sub(lambda match: TEXT.sub(text, match[0]), html)


def setup(app: Any) -> dict[str, bool]:
    """Register the handler of the body of each page."""

    def in_page(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
        if "<td" in context.get("body", ""):
            context["body"] = breakable(context["body"])

    app.connect("html-page-context", in_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
