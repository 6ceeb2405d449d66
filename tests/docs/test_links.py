"""Relative links and images of the Markdown pages point to files that exist, and to headings that exist."""

import re
from functools import cache
from pathlib import Path

import pytest

from helpers.commands import REPOSITORY

PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
CODE = re.compile(r"```.*?```|``[^`].*?``|`[^`\n]*`", re.DOTALL)
LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")


def links(text: str) -> list[str]:
    """Targets of the links and images of a page, without those to other sites and those in code."""
    targets = LINK.findall(CODE.sub("", text))
    return [target for target in targets if not re.match(r"[a-z][a-z+.-]*:", target)]


@cache
def anchors(path: Path) -> frozenset[str]:
    """The fragments that a page offers: its headings as GitHub names them, and its HTML ids."""
    text = path.read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    headings = re.findall(r"^#{1,6} +(.+?) *$", prose, re.MULTILINE)
    names = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return frozenset(names | set(re.findall(r'\bid="([^"]+)"', text)))


def fault(page: Path, target: str) -> str | None:
    """What is wrong with the link `target` of `page`, or None."""
    name, _, fragment = target.partition("#")
    path = page.parent / name if name else page
    if not path.exists():
        return f"{page.relative_to(REPOSITORY)}: {target}: no such file"
    if fragment and path.suffix == ".md" and fragment not in anchors(path):
        return f"{page.relative_to(REPOSITORY)}: {target}: no such heading"
    return None


def test_relative_links_exist():
    faults = [fault(page, target) for page in PAGES for target in links(page.read_text(encoding="utf-8"))]
    assert [text for text in faults if text] == []


def test_every_page_is_in_the_index():
    index = REPOSITORY / "docs" / "README.md"
    listed = {
        (index.parent / target.partition("#")[0]).resolve() for target in links(index.read_text(encoding="utf-8"))
    }
    pages = {*(REPOSITORY / "docs").glob("*.md"), *(REPOSITORY / "docs").glob("*/README.md")} - {index}
    assert sorted(str(page.relative_to(REPOSITORY)) for page in pages - listed) == []


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("docs/nowhere.md", "no such file"),
        ("docs/numbers.md#nothing", "no such heading"),
        ("#nothing", "no such heading"),
    ],
)
def test_a_broken_link_is_noticed(target, message):
    assert message in str(fault(REPOSITORY / "README.md", target))


def test_links_in_code_and_to_other_sites_are_no_files():
    assert links("`[a](b.md)` [c](https://example.org) ![d](e.png) [f](g.md#h)") == ["e.png", "g.md#h"]
