"""The navigation tree that is computed once is the one that the theme computes for each page."""

import posixpath

import pytest

pytest.importorskip("furo")
from bs4 import BeautifulSoup
from furo.navigation import get_navigation_tree
from sitegen.navigation import NavigationTree

PAGES = {"start.html": ("start.html", []), "a/index.html": ("a/index.html", ["a/b.html", "c.html"])}


def toctree(page: str) -> str:
    """The tree as Sphinx writes it for a page: links relative to it, and what leads to it marked as current."""
    up = "../" * page.count("/")

    def entry(target: str, below: list[str], level: int) -> str:
        own, inside = target == page, page in below
        current = " current" if own or inside else ""
        classes, href = ("current reference internal", "#") if own else ("reference internal", up + target)
        children = "".join(entry(child, [], level + 1) for child in below)
        group = f"<ul>{children}</ul>" if below else ""
        return f'<li class="toctree-l{level}{current}"><a class="{classes}" href="{href}">{target}</a>{group}</li>'

    return f"<ul>{''.join(entry(target, below, 1) for target, below in PAGES.values())}</ul>"


def entries(html: str, page: str) -> list[tuple[object, ...]]:
    """Classes, target, text and the state of the boxes of every entry."""
    result = []
    for entry in BeautifulSoup(html, "html.parser").find_all("li"):
        href = entry.a["href"]
        target = href if href == "#" else posixpath.normpath(posixpath.join(posixpath.dirname(page), href))
        boxes = [box.has_attr("checked") for box in entry.find_all("input", recursive=False)]
        result.append((set(entry["class"]), target, entry.a.text, boxes))
    return result


@pytest.mark.parametrize("first", ["start.html", "a/b.html"])
@pytest.mark.parametrize("page", ["start.html", "a/index.html", "a/b.html", "c.html", "genindex.html"])
def test_the_tree_of_a_page_is_that_of_the_theme(first, page):
    tree = NavigationTree(get_navigation_tree(toctree(first)), first)
    expected = entries(get_navigation_tree(toctree(page)), page)
    assert len(expected) == 4
    assert entries(tree.of(page), page) == expected
