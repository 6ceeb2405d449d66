"""The values that an annotation allows, read from the source."""

import ast
from typing import Any

from aevb.config.compound_types import Either, ListOf, Mapping
from aevb.config.static_imports import Module, find, literal
from aevb.config.value_types import (
    UNBOUNDED,
    AnyValue,
    Boolean,
    Choice,
    Nested,
    Null,
    Number,
    Text,
    ValueType,
)
from aevb.types import Range

__all__ = ["value_type_of"]

LISTS = ("list", "List", "Sequence", "Iterable", "Collection")
MAPPINGS = ("dict", "Dict", "Mapping", "MutableMapping")
BARE: dict[str, ValueType] = {
    "int": Number(integer=True),
    "float": Number(integer=False),
    "bool": Boolean(),
    "str": Text(),
    "Path": Text(),
    "None": Null(),
    "Module": Nested(),  # torch.nn's
    **dict.fromkeys(("list", "List", "tuple", "Tuple", "Sequence"), ListOf((AnyValue(),))),
    **dict.fromkeys(MAPPINGS, Mapping(AnyValue())),
}


def value_type_of(node: ast.expr | None, where: Module, limits: Range = UNBOUNDED) -> ValueType:
    """Return the values that an annotation allows.

    Args:
        node: The annotation.
        where: The module whose names it uses; a name that is not found in it allows anything.
        limits: Range from an `Annotated` around the annotation.
    """
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            return value_type_of(ast.parse(node.value, mode="eval").body, where, limits)
        return Null() if node.value is None else AnyValue()
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return Either((value_type_of(node.left, where, limits), value_type_of(node.right, where, limits)))
    if isinstance(node, ast.Subscript):
        return _generic(node, where, limits)
    if not isinstance(node, ast.Name | ast.Attribute):
        return AnyValue()
    name = ast.unparse(node)
    definition = find(name, where)
    if definition is not None:
        if not isinstance(definition.node, ast.stmt):
            return value_type_of(definition.node, definition.module, limits)
        if not isinstance(definition.node, ast.ClassDef):
            return AnyValue()
        return _enum(definition.node) if _is_enum(definition.node) else Nested()
    value_type = BARE.get(name.split(".")[-1], AnyValue())
    return Number(value_type.integer, limits) if isinstance(value_type, Number) else value_type


def _is_enum(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).endswith("Enum") for base in node.bases)


def _enum(node: ast.ClassDef) -> ValueType:
    # A config has the values of the members; aevb.config.instantiate gives the class the member itself.
    values = [literal(statement.value) for statement in node.body if isinstance(statement, ast.Assign)]
    return AnyValue() if ... in values or not values else Choice(tuple(values))


def _generic(node: ast.Subscript, where: Module, limits: Range) -> ValueType:
    name = ast.unparse(node.value).split(".")[-1]
    items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name == "Literal":
        return Choice(tuple(ast.literal_eval(item) for item in items))
    if name == "Annotated":
        ranges = [_range(item) for item in items[1:] if isinstance(item, ast.Call)]
        return value_type_of(items[0], where, next((item for item in ranges if item is not None), limits))
    if name in ("Optional", "Union"):
        null = (Null(),) if name == "Optional" else ()
        return Either((*(value_type_of(item, where, limits) for item in items), *null))
    if name in LISTS:
        return ListOf((value_type_of(items[0], where),))
    if name in ("tuple", "Tuple"):
        if len(items) == 2 and ast.unparse(items[1]) in ("...", "Ellipsis"):
            return ListOf((value_type_of(items[0], where),))
        return ListOf(tuple(value_type_of(item, where) for item in items), fixed=True)
    if name in MAPPINGS:
        return Mapping(value_type_of(items[-1], where))
    return AnyValue()


def _range(call: ast.Call) -> Range | None:
    if ast.unparse(call.func).split(".")[-1] != "Range":
        return None
    named: dict[str, Any] = {str(item.arg): ast.literal_eval(item.value) for item in call.keywords}
    return Range(*(ast.literal_eval(item) for item in call.args), **named)
