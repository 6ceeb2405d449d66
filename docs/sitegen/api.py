"""The reference of the Python API: a page for each package, over `__all__` of its modules."""

import ast
from collections.abc import Iterator
from pathlib import Path

from sitegen.markdown import code, prose, table, toctree
from sitegen.repository import REPOSITORY

__all__ = ["SOURCE", "label", "pages"]

SOURCE = REPOSITORY / "src" / "aevb"
INTRODUCTION = """# Python API

`import aevb` is light; torch is imported when a model is loaded. Everything that `__all__` of a module names is public.

```{eval-rst}
.. automodule:: aevb
```
"""


def pages() -> Iterator[tuple[str, str]]:
    """Yield name and Markdown of every page of the API."""
    packages = sorted(path.parent for path in SOURCE.rglob("__init__.py") if path.parent != SOURCE)
    names = [".".join(("aevb", *folder.relative_to(SOURCE).parts)) for folder in packages]
    roots = sorted(path for path in SOURCE.glob("*.py") if path.name != "__init__.py")
    yield "reference/api/index.md", "\n\n".join([INTRODUCTION, *map(_module, roots), toctree(names)])
    for name, folder in zip(names, packages, strict=True):
        modules = sorted(path for path in folder.glob("*.py") if path.stem not in ("__init__", "__main__"))
        inside = [_package(name, folder / "__init__.py", modules), *map(_module, modules)]
        yield f"reference/api/{name}.md", "\n\n".join([f"# `{name}`", *inside])


def label(path: Path) -> str:
    """Return the label of the section of a module."""
    return "module-" + _name(path).replace(".", "-").replace("_", "-")


def _name(path: Path) -> str:
    return ".".join(("aevb", *path.relative_to(SOURCE).with_suffix("").parts))


def _package(name: str, path: Path, modules: list[Path]) -> str:
    # What a package re-exports is documented where it is defined.
    tree = ast.parse(path.read_text(encoding="utf-8"))
    origin = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    parts = ["```{eval-rst}", f".. automodule:: {name}", "   :no-members:", ""]
    if origin:
        links = (f":py:obj:`{short} <{full}>`" for short, full in sorted(origin.items()))
        parts += [f"Names that ``{name}`` offers itself: {', '.join(links)}.", ""]
    # Not autosummary, which cuts a summary at "eq." and imports every module once more.
    rows = [(f"[{code(module.stem)}](#{label(module)})", prose(_summary(module))) for module in modules]
    return "\n".join([*parts, "```", "", table(("module", "what it is"), rows) if rows else ""])


def _summary(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n\n")[0]


def _module(path: Path) -> str:
    name = _name(path)
    return f"({label(path)})=\n## `{name}`\n\n```{{eval-rst}}\n.. automodule:: {name}\n```"
