"""Where the pages of the repository stand in the site, and their links rewritten accordingly.

A link that works in the repository works in the site: pages outside docs/ have a page there, a YAML file of conf/ is a section
of the configuration reference, a module is a section of the API, and any other file is offered as a download.
"""

import re
from pathlib import PurePosixPath
from posixpath import normpath, relpath

from sitegen.repository import REPOSITORY

__all__ = ["FILES", "copy_of", "option_label", "page_of", "rewritten", "with_links"]

FILES = "files"
"""Folder of the site's source with the linked files that are no pages."""

PAGES = {
    "README.md": "index.md",
    "docs/README.md": "index.md",
    "docs": "index.md",
    "CONTRIBUTING.md": "development/contributing.md",
    "CHANGELOG.md": "development/changelog.md",
}
CODE = re.compile(r"(```.*?```|``[^`].*?``|`[^`\n]*`)", re.DOTALL)
NAMED = re.compile(r"\bdocs/[\w./\\-]*\w")
LINK = re.compile(r"(!?)\[([^\]]*(?:`[^`]*`[^\]]*)*)\]\(<?([^)\s>]+)>?((?:\s+\"[^\"]*\")?)\)")


def page_of(path: str) -> str | None:
    """Return the page of the site for a file of the repository, or None if it is no page of docs/.

    Args:
        path: Relative to the repository.
    """
    if path in PAGES:
        return PAGES[path]
    if not path.startswith("docs/"):
        return None
    inside = PurePosixPath(path).relative_to("docs")
    return str(inside.with_name("index.md") if inside.name == "README.md" else inside)


def option_label(group: str, option: str) -> str:
    """Return the label of an option of a configuration group in the reference."""
    return f"conf-{group or 'root'}-{option}".replace("/", "-").replace("_", "-")


def with_links(text: str, here: str) -> str:
    """Return Markdown in which the pages of docs/ that it names in words are links.

    Args:
        text: Markdown, in which a page is named as `docs/collapse` or docs/results/README.md.
        here: Folder of the page.
    """

    def link(match: re.Match[str]) -> str:
        path = match[0].replace("\\", "")
        page = destination(path, here, set()) if path.endswith(".md") or (REPOSITORY / path).is_dir() else None
        return f"[{match[0]}]({page})" if page is not None and page.endswith(".md") else match[0]

    return NAMED.sub(link, text)


def rewritten(text: str, path: str) -> tuple[str, set[str]]:
    """Rewrite the links of a page for its place in the site.

    Args:
        text: Markdown.
        path: The page, relative to the repository.

    Returns:
        The text, and the files that are to be copied below FILES.
    """
    here = str(PurePosixPath(page_of(path) or path).parent)
    files: set[str] = set()

    def link(match: re.Match[str]) -> str:
        image, label, target, title = match.groups()
        if re.match(r"[a-z][a-z+.-]*:", target) or target.startswith("#"):
            return match[0]
        name, _, fragment = target.partition("#")
        new = destination(normpath(f"{PurePosixPath(path).parent}/{name}"), here, files)
        if new is None:
            return label
        return f"{image}[{label}]({new}{'#' + fragment if fragment else ''}{title})"

    # Code stands between the others, but a label may contain code, so links are found in the whole text.
    spans = [match.span() for match in CODE.finditer(text)]
    inside = lambda at: any(start < at < end for start, end in spans)  # noqa: E731
    return LINK.sub(lambda match: match[0] if inside(match.start()) else link(match), text), files


def destination(path: str, here: str, files: set[str]) -> str | None:
    """Return the target of a link to a file of the repository from a page in the folder `here`; None for a folder."""
    parts = PurePosixPath(path)
    page = page_of(path) or page_of(f"{path}/README.md" if (REPOSITORY / path / "README.md").is_file() else "")
    if page is not None:
        return relpath(page, here)
    if not (REPOSITORY / path).is_file():
        return None
    if parts.parts[0] == "conf":
        return f"#{option_label('/'.join(parts.parts[1:-1]), parts.stem)}"
    files.add(path)
    return relpath(copy_of(path), here)


def copy_of(path: str) -> str:
    """Return where the copy of a file of the repository stands; source is text, for a browser to show it."""
    return f"{FILES}/{path}{'.txt' if path.endswith('.py') else ''}"
