"""Pieces of Markdown that the generators share."""

import textwrap
from collections.abc import Iterable, Sequence

__all__ = ["bullets", "code", "fenced", "prose", "table", "toctree", "wrapped"]


def code(value: object) -> str:
    """Return inline code."""
    text = str(value)
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def prose(text: str) -> str:
    """Return plain text as Markdown that shows it, on one line: only single backticks keep their meaning."""
    parts = " ".join(text.split()).split("`")
    for index in range(0, len(parts), 2):
        for character in "\\*_$<{[":
            parts[index] = parts[index].replace(character, f"\\{character}")
    return "`".join(parts)


def fenced(text: str, language: str = "text") -> str:
    """Return a block of code."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.strip(chr(10))}\n{fence}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], align: str = "") -> str:
    """Return a table.

    Args:
        header: Names of the columns.
        rows: Cells, in Markdown.
        align: A letter for each column, "l" or "r"; default: all to the left.
    """
    rules = [{"l": "---", "r": "---:"}[letter] for letter in align or "l" * len(header)]
    lines = [header, rules, *([cell.replace("|", "\\|").replace("\\\\|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def toctree(pages: Iterable[str], hidden: bool = True, caption: str = "") -> str:
    """Return a table of contents of pages, names relative to the page or with a leading slash."""
    options = [":hidden:"] * hidden + [f":caption: {caption}"] * bool(caption) + [":maxdepth: 1"]
    return "\n".join(["```{toctree}", *options, "", *pages, "```"])


def bullets(*texts: str) -> str:
    """Return a list, wrapped; white space within an item is one space."""
    return "\n".join(wrapped(f"* {' '.join(text.split())}", "  ") for text in texts)


def wrapped(text: str, indent: str = "") -> str:
    """Return lines of at most 126 characters, all but the first behind `indent`."""
    return "\n".join(textwrap.wrap(text, 126, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False))
