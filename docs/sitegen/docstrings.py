"""Docstrings of targets, read from the source like their signatures: nothing is imported."""

import ast
import inspect
import re
from collections.abc import Iterator
from typing import NamedTuple

from aevb.config.static_imports import Definition, find, module

__all__ = ["Described", "described"]

SECTION = re.compile(r"^(Args|Attributes|Returns|Yields|Raises|Example|Examples|Note|References):\s*$", re.MULTILINE)
ARGUMENT = re.compile(r"^    (\w+)(?: \([^)]*\))?: (.*(?:\n {5,}.*)*)", re.MULTILINE)


class Described(NamedTuple):
    """What a docstring says.

    Attributes:
        text: Summary and description, in Markdown.
        arguments: Meaning of each argument, on one line.
    """

    text: str
    arguments: dict[str, str]


def described(target: str) -> Described:
    """Return the docstring of a class or function; of a class also those of its constructor and bases.

    Args:
        target: Dotted name.
    """
    text, arguments = "", dict[str, str]()
    for docstring in _docstrings(target):
        head, *sections = SECTION.split(docstring)
        text = text or head.strip()
        for name, body in zip(sections[::2], sections[1::2], strict=True):
            if name in ("Args", "Attributes"):
                for argument, meaning in ARGUMENT.findall(body):
                    arguments.setdefault(argument, " ".join(meaning.split()))
    return Described(text, arguments)


def _docstrings(target: str) -> Iterator[str]:
    path, _, name = target.rpartition(".")
    where = module(path)
    definition = find(name, where) if where is not None else None
    while definition is not None and not isinstance(definition.node, ast.expr):
        inner = definition.node.body if isinstance(definition.node, ast.ClassDef) else []
        init = [node for node in inner if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
        for node in [definition.node, *init]:
            if text := ast.get_docstring(node, clean=True):
                yield inspect.cleandoc(text)
        definition = _base(definition)


def _base(definition: Definition) -> Definition | None:
    bases = definition.node.bases if isinstance(definition.node, ast.ClassDef) else []
    return next((base for name in bases if (base := find(ast.unparse(name), definition.module)) is not None), None)
