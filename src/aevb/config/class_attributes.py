"""What a class states of itself, read from its source, so that torch is not imported."""

import ast
from collections.abc import Iterator
from typing import Any

from aevb.config.static_imports import find, literal, module

__all__ = ["attribute", "classes", "computed_attributes", "constant", "settings_in"]


def attribute(target: str, name: str, trusted: tuple[str, ...] = ()) -> Any:
    """Return a class attribute as the class body, or that of a base class, assigns it.

    Args:
        target: Dotted name of the class.
        name: Of the attribute.
        trusted: Users' modules that may be read.

    Returns:
        The literal value; Ellipsis for an expression; None where nothing can be seen.
    """
    for node in classes(target, trusted):
        for statement in node.body:
            if isinstance(statement, ast.Assign | ast.AnnAssign) and name in _assigned(statement):
                return literal(statement.value) if statement.value is not None else None
    return None


def constant(target: str, name: str, trusted: tuple[str, ...] = ()) -> Any:
    """Return a class attribute, or what a property of that name returns where that is a literal.

    Args:
        target: Dotted name of the class.
        name: Of the attribute or property.
        trusted: Users' modules that may be read.

    Returns:
        The literal value; Ellipsis if it is computed; None where nothing can be seen.
    """
    for node in classes(target, trusted):
        for statement in node.body:
            if isinstance(statement, ast.Assign | ast.AnnAssign) and name in _assigned(statement):
                if statement.value is not None:
                    return literal(statement.value)
            elif isinstance(statement, ast.FunctionDef) and statement.name == name:
                return _returned(statement)
    return None


def computed_attributes(target: str, names: tuple[str, ...], trusted: tuple[str, ...] = ()) -> list[str]:
    """Return the attributes that a class computes, so that `attribute` cannot know them.

    Args:
        target: Dotted name of the class.
        names: Attributes to look for.
        trusted: Users' modules that may be read.

    Returns:
        Those of `names` that are properties, expressions, or assigned to `self` in a method.
    """
    computed = set()
    for node in classes(target, trusted):
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef):
                computed |= {statement.name, *_assigned_to_self(statement)}
            elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
                computed |= set(_assigned(statement)) if literal(statement.value) is ... else set()
    return [name for name in names if name in computed]


def settings_in(target: str, name: str, trusted: tuple[str, ...] = ()) -> set[str]:
    """Return the attributes of `self` that a method or property uses, as the settings in the name of a file.

    Args:
        target: Dotted name of the class.
        name: Of the method or property.
        trusted: Users' modules that may be read.

    Returns:
        Their names; an empty set where nothing can be seen.
    """
    for node in classes(target, trusted):
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef) and statement.name == name:
                inner = (item for item in ast.walk(statement) if isinstance(item, ast.Attribute))
                return {item.attr for item in inner if ast.unparse(item.value) == "self"}
    return set()


def classes(target: str, trusted: tuple[str, ...] = ()) -> Iterator[ast.ClassDef]:
    """Yield the definition of a class and of its bases, each the first one whose source can be read.

    Args:
        target: Dotted name of the class.
        trusted: Users' modules that may be read.
    """
    path, _, last = target.rpartition(".")
    where = module(path, trusted)
    definition = find(last, where) if where is not None else None
    while definition is not None and isinstance(definition.node, ast.ClassDef):
        yield definition.node
        bases = (find(ast.unparse(base), definition.module) for base in definition.node.bases)
        definition = next((base for base in bases if base is not None), None)


def _returned(method: ast.FunctionDef) -> Any:
    # The literal that a method of one statement after its docstring returns.
    *before, last = method.body
    if isinstance(last, ast.Return) and last.value is not None and all(isinstance(line, ast.Expr) for line in before):
        return literal(last.value)
    return ...


def _assigned(statement: ast.Assign | ast.AnnAssign) -> list[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _assigned_to_self(method: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(method):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self":
            yield node.attr
