"""A Sphinx extension that computes the navigation tree of the site once, and adapts it to each page.

Sphinx resolves the tree of all pages anew for every page, which took more than half of the time of a build: with n pages that is
n². The tree of the first page is kept; for another page the links are made relative to it, and its entry is the current one.
"""

import posixpath
import re
from collections.abc import Callable
from typing import Any

from bs4 import BeautifulSoup, Tag

__all__ = ["NavigationTree", "setup"]

CURRENT = re.compile(r" ?@current-(\d+)@")
CHECKED = re.compile(r' data-entry="(\d+)"')
LINK = re.compile(r'href="([^"#]+)"')


class NavigationTree:
    """The navigation tree of the theme, for any page.

    Args:
        html: The tree of one page, with what the theme adds.
        page: That page, as "folder/page.html".
    """

    def __init__(self, html: str, page: str) -> None:
        soup: Any = BeautifulSoup(html, "html.parser")
        self.chains = dict[str, list[int]]()
        """For each page the entries that lead to it, the last of which is its own."""
        for index, entry in enumerate(soup.find_all("li")):
            entry["data-entry"] = str(index)
        for entry in soup.find_all("li"):
            link = entry.find("a")
            target = (
                page
                if link["href"] == "#"
                else posixpath.normpath(posixpath.join(posixpath.dirname(page), link["href"]))
            )
            link["href"] = target
            link["class"] = ["reference", "internal"]
            parents = [parent for parent in entry.parents if isinstance(parent, Tag) and parent.name == "li"]
            self.chains[target] = [int(one["data-entry"]) for one in (*reversed(parents), entry)]
        for entry in soup.find_all("li"):
            number = entry["data-entry"]
            kept = [name for name in entry["class"] if name not in ("current", "current-page")]
            entry["class"] = [*kept, f"@current-{number}@"]
            del entry["data-entry"]
            box = entry.find("input", recursive=False)
            if box is not None:
                del box["checked"]
                box["data-entry"] = number
        for group in soup.find_all("ul"):
            del group["class"]
        self.template = str(soup)

    def of(self, page: str) -> str:
        """Return the tree of a page, as "folder/page.html"."""
        chain = self.chains.get(page, [])
        folder = posixpath.dirname(page)

        def classes(match: re.Match[str]) -> str:
            number = int(match[1])
            own = " current-page" if chain and number == chain[-1] else ""
            return f" current{own}" if number in chain else ""

        def link(match: re.Match[str]) -> str:
            return 'href="#"' if match[1] == page else f'href="{posixpath.relpath(match[1], folder or ".")}"'

        html = CURRENT.sub(classes, self.template)
        html = CHECKED.sub(lambda match: ' checked=""' if int(match[1]) in chain else "", html)
        return LINK.sub(link, html)


def setup(app: Any) -> dict[str, bool]:
    """Register one handler before that of the theme, which finds the tree empty, and one after it."""
    toctrees = dict[str, Callable[..., str]]()
    trees = list[NavigationTree]()

    def before(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
        if "toctree" in context:
            toctrees[page] = context["toctree"]
            context["toctree"] = lambda **options: ""

    def after(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
        if page not in toctrees:
            return
        from furo.navigation import get_navigation_tree

        context["toctree"] = toctrees.pop(page)
        if not trees:
            html = context["toctree"](collapse=False, titles_only=True, maxdepth=-1, includehidden=True)
            trees.append(NavigationTree(get_navigation_tree(html), f"{page}.html"))
        context["furo_navigation_tree"] = trees[0].of(f"{page}.html")

    app.connect("html-page-context", before, priority=400)
    app.connect("html-page-context", after, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
