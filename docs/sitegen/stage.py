"""Writes the source folder of the site: the pages of docs/ with their links rewritten, and the generated pages."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from aevb.config.tree import CONF
from sitegen import api, command_help, configuration, experiments, gallery, run_files
from sitegen.links import copy_of, page_of, rewritten
from sitegen.markdown import prose, toctree
from sitegen.repository import REPOSITORY, committed, title
from sitegen.sections import contents, sections
from sitegen.yaml_comments import header

__all__ = ["stage"]

INDEX = "docs/README.md"
OUTSIDE = ("CONTRIBUTING.md", "CHANGELOG.md")
ASSETS = (".png", ".svg", ".gif", ".csv", ".pdf", ".json", ".npz", ".ipynb")
LABEL = re.compile(r"\[([^\]`]+)\]\(([\w./-]+\.md)\)")
GENERATORS = (api, command_help, configuration, experiments, gallery, run_files)


def stage(folder: Path) -> None:
    """Write the source folder; files that are the same stay untouched, so that Sphinx reads only what has changed.

    Args:
        folder: Where to; what else lies in it is removed.
    """
    texts, files = dict[str, str](), dict[str, Path]()
    for path in sorted(committed()):
        if path.endswith(".md") and (path in OUTSIDE or path.startswith("docs/")):
            text, linked = rewritten((REPOSITORY / path).read_text(encoding="utf-8"), path)
            texts[str(page_of(path))] = text
            files |= {copy_of(name): REPOSITORY / name for name in linked}
        elif path.startswith("docs/") and (path.endswith(ASSETS) or path.startswith("docs/tutorials/")):
            files[str(page_of(path))] = REPOSITORY / path
    for generator in GENERATORS:
        texts.update(generator.pages())
    labels = {page: label for label, page in LABEL.findall(texts["index.md"])}
    for name, text in texts.items():
        if title(text) is None:
            label = labels.get(name) or _caption(Path(name))
            texts[name] = f"# {label[0].upper()}{label[1:]}\n\n{text}"
    texts.update(_with_contents(texts))
    _write(folder, texts, files)


def _caption(page: Path) -> str:
    # The title of a page that a figure has written: what its config says, and the folder where a study draws it several times.
    path = CONF / "figure" / f"{page.stem}.yaml"
    words = prose(header(path).first.partition(": ")[0].rstrip(".")) if path.is_file() else page.stem
    return f"{words}: {page.parent.name}" if len(page.parts) > 2 else words


def _with_contents(texts: dict[str, str]) -> Iterator[tuple[str, str]]:
    # The start page, the page of each section, and pages with others below them.
    start, groups = sections(texts["index.md"])
    listed = {page for section in groups for page in section.pages}
    lists = [f"## [{section.name}](sections/{section.slug}.md)\n\n{section.text}" for section in groups]
    names = [f"sections/{section.slug}" for section in groups]
    yield "index.md", "\n\n".join([start.strip(), *lists, toctree(names)])
    for section in groups:
        pages = [f"/{page.removesuffix('.md')}" for page in section.pages if page != "index.md"]
        text = re.sub(r"\]\((?=[\w./-]+\))(?!#)", "](../", section.text)
        yield f"sections/{section.slug}.md", f"# {section.name}\n\n{text}\n\n{toctree(pages)}"
        for page, below in contents(section.pages, listed, set(texts)).items():
            if below and "{toctree}" not in texts[page]:
                names = [f"/{name.removesuffix('.md')}" for name in below]
                yield page, f"{texts[page].rstrip()}\n\n{toctree(names)}"


def _write(folder: Path, texts: dict[str, str], files: dict[str, Path]) -> None:
    wanted = {folder / name for name in [*texts, *files]}
    for path in sorted(folder.rglob("*"), reverse=True) if folder.exists() else ():
        if path.is_file() and path not in wanted:
            path.unlink()
    for name, text in texts.items():
        path, content = folder / name, text.rstrip() + "\n"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            path.write_text(content, encoding="utf-8")
    for name, source in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.stat().st_mtime < source.stat().st_mtime:
            shutil.copy2(source, path)
