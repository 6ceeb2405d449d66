"""The sections of docs/README.md, which is the index of the pages: each becomes a page of the site with its table of contents.

So a page is in the site as soon as it is in the index. The generated pages are added to the lists here.
"""

import re
from typing import NamedTuple

__all__ = ["GENERATED", "Section", "contents", "sections"]

GENERATED = {
    "Reproduction": ["* [Gallery](gallery.md): every figure with its command."],
    "Studies": ["* [Experiments](experiments/index.md): each experiment with its command, cost and config."],
    "Reference": [
        "* [Configuration keys](reference/configuration/index.md): type, range, default and meaning of every key.",
        "* [Commands and their help](reference/command-line.md): what every command prints for `--help`.",
        "* [Python API](reference/api/index.md): every public class and function.",
        "* [Files of a run](reference/run-files.md): the names of everything in a run directory.",
    ],
}
HEADING = re.compile(r"^## +(.+)$", re.MULTILINE)
PAGE = re.compile(r"\]\(([\w./-]+\.md)(?:#[\w-]+)?\)")


class Section(NamedTuple):
    """A section.

    Attributes:
        name: Its heading.
        text: Its list, in Markdown.
        pages: The pages that the list names, without repetition.
    """

    name: str
    text: str
    pages: list[str]

    @property
    def slug(self) -> str:
        """Its name in addresses."""
        return self.name.lower().replace(" ", "-")


def sections(index: str) -> tuple[str, list[Section]]:
    """Split the index.

    Args:
        index: Markdown of docs/README.md, links rewritten.

    Returns:
        The text before the first section, and the sections with the generated pages added.
    """
    start, *rest = HEADING.split(index)
    groups = []
    for name, body in zip(rest[::2], rest[1::2], strict=True):
        text = "\n".join([body.strip(), *GENERATED.get(name, [])])
        groups.append(Section(name, text, list(dict.fromkeys(PAGE.findall(text)))))
    return start, groups


def contents(pages: list[str], listed: set[str], staged: set[str]) -> dict[str, list[str]]:
    """Return the pages below each page: those of its folder that no list names.

    Args:
        pages: Pages of a section.
        listed: Pages that are named in some list.
        staged: All pages of the site.
    """
    below = {}
    for page in pages:
        folder = page.removesuffix("/index.md").removesuffix(".md")
        below[page] = sorted(other for other in staged - listed if other.startswith(f"{folder}/"))
    return below
