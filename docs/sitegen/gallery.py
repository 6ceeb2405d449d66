"""The gallery: every committed figure with the command that draws it."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from aevb.config.tree import CONF, options
from sitegen.links import option_label, page_of
from sitegen.markdown import prose
from sitegen.repository import DOCS, REPOSITORY, committed, title
from sitegen.yaml_comments import header

__all__ = ["pages", "pictures"]

INTRODUCTION = """# Gallery

Every figure that `aevb-figure` has drawn for these pages, with the command. Each stands beside a CSV with all its numbers,
and the page says which runs it needs and what it shows."""


def pages() -> Iterator[tuple[str, str]]:
    """Yield name and Markdown of the gallery."""
    yield "gallery.md", "\n\n".join([INTRODUCTION, *map(_entry, pictures())])


def pictures() -> list[str]:
    """Return the committed pictures of docs/ that a figure of conf/figure draws, relative to the repository.

    `aevb-figure` writes a CSV beside each; a screenshot of the same name has none.
    """
    names = set(options("figure"))
    files = {PurePosixPath(path) for path in committed() if path.startswith("docs/")}
    drawn = [
        path for path in files if path.suffix == ".png" and path.stem in names and path.with_suffix(".csv") in files
    ]
    return sorted(map(str, drawn), key=lambda path: (_rank(path), path))


def _rank(path: str) -> int:
    return 0 if path.startswith("docs/results/") else 1  # the paper's figures first


def _entry(path: str) -> str:
    picture = PurePosixPath(path)
    name, folder = picture.stem, picture.parent
    header_text = header(CONF / "figure" / f"{name}.yaml")
    page = _page_with(folder)
    heading = f"## `{name}`, of [{_title(page)}]({page_of(page)})"
    return "\n\n".join(
        [
            heading,
            prose(f"{header_text.first} {header_text.text}"),
            f"    aevb-figure figure={name} output_dir={folder}",
            f"![{name}: {header_text.first}]({picture.relative_to('docs')})",
            f"[Keys of the figure](#{option_label('figure', name)})",
        ]
    )


def _page_with(folder: PurePosixPath) -> str:
    # The page of the folder, or that of the folder above it, or the page of that name.
    while not (REPOSITORY / folder / "README.md").is_file():
        if (REPOSITORY / f"{folder}.md").is_file():
            return f"{folder}.md"
        folder = folder.parent
    return f"{folder}/README.md"


def _title(page: str) -> str:
    return title((DOCS.parent / page).read_text(encoding="utf-8")) or page
