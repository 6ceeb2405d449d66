"""Find the source of a module, and what a name in it refers to, without importing it.

Importing a model imports torch, which takes seconds, and a config is checked before any code that it names is executed.
Only the sources of `aevb` and of the modules trusted on the command line are read; other names are unknown.
"""

import ast
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Definition", "Module", "find", "forget_sources", "literal", "module"]

PACKAGE = Path(__file__).resolve().parents[1]


class Module(NamedTuple):
    """A parsed source file.

    Attributes:
        name: Dotted name.
        path: The file.
        names: Name -> the statement at the top level that defines or imports it.
        trusted: Users' modules that may be read from here.
    """

    name: str
    path: Path
    names: dict[str, ast.stmt]
    trusted: tuple[str, ...]


class Definition(NamedTuple):
    """What a name refers to.

    Attributes:
        node: A class, a function or an expression.
        module: The module whose names the node uses.
    """

    node: ast.ClassDef | ast.FunctionDef | ast.expr
    module: Module


@cache
def module(name: str, trusted: tuple[str, ...] = ()) -> Module | None:
    """Return the module of a dotted name, or None if it has no source that may be read.

    Args:
        name: The dotted name of the module.
        trusted: Users' modules, which may be read too.
    """
    path = _path(name, trusted)
    if path is None:
        return None
    return Module(name, path, dict(_names(ast.parse(path.read_text(encoding="utf-8")).body)), trusted)


def literal(node: ast.expr) -> Any:
    """Return the value of an expression, or Ellipsis if it is no literal.

    Args:
        node: The expression.
    """
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ...


def forget_sources() -> None:
    """Read sources anew from now on: in a notebook, a module of the user's may have changed."""
    module.cache_clear()


def _path(name: str, trusted: tuple[str, ...]) -> Path | None:
    top, *rest = name.split(".")
    if top == "aevb":
        roots = [PACKAGE]
    elif top in {name.split(".")[0] for name in trusted}:
        spec = importlib.util.find_spec(top)  # of a top-level name: finds, does not import
        if spec is None:
            return None
        if spec.submodule_search_locations is None:
            return Path(spec.origin) if spec.origin and not rest else None
        roots = [Path(folder) for folder in spec.submodule_search_locations]
    else:
        return None
    for root in roots:
        base = root.joinpath(*rest)
        for path in (base / "__init__.py", base.with_suffix(".py")):
            if path.is_file():
                return path
    return None


def _names(body: list[ast.stmt]) -> list[tuple[str, ast.stmt]]:
    names: list[tuple[str, ast.stmt]] = []
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.append((node.name, node))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names += [(alias.asname or alias.name.split(".")[0], node) for alias in node.names]
        elif isinstance(node, ast.Assign):
            names += [(target.id, node) for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.append((node.target.id, node))
        elif isinstance(node, ast.If | ast.Try):
            names += _names(node.body) + _names(node.orelse)
        elif type(node).__name__ == "TypeAlias":  # `type Name = ...`, Python 3.12
            names.append((node.name.id, node))  # type: ignore[attr-defined]
    return names


def find(name: str, where: Module) -> Definition | None:
    """Return what a dotted name refers to in a module, following imports; None if no source defines it.

    Args:
        name: The dotted name.
        where: The module in which the name is used.
    """
    head, _, rest = name.partition(".")
    node = where.names.get(head)
    if isinstance(node, ast.Import):
        return _imported(name, node, where)
    if isinstance(node, ast.ImportFrom):
        original = next(alias.name for alias in node.names if (alias.asname or alias.name) == head)
        base = _absolute(node, where)
        submodule = module(f"{base}.{original}", where.trusted)
        if rest:
            return find(rest, submodule) if submodule is not None else None
        source = module(base, where.trusted)
        return find(original, source) if source is not None else None
    if rest or node is None:
        return None
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return Definition(node, where)
    value = getattr(node, "value", None)
    return Definition(value, where) if isinstance(value, ast.expr) else None


def _imported(name: str, node: ast.Import, where: Module) -> Definition | None:
    for alias in node.names:
        prefix = alias.asname or alias.name
        if name.startswith(f"{prefix}."):
            source = module(alias.name, where.trusted)
            if source is not None:
                return find(name[len(prefix) + 1 :], source)
    return None


def _absolute(node: ast.ImportFrom, where: Module) -> str:
    if not node.level:
        return node.module or ""
    parts = where.name.split(".")
    up = node.level - (where.path.name == "__init__.py")
    return ".".join([*parts[: len(parts) - up], *([node.module] if node.module else [])])
