"""Arguments of a class or function, read from its source: the constructor is the schema of its YAML."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from aevb.config.compound_types import Either, ListOf, Mapping
from aevb.config.static_imports import Definition, Module, find, module
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

__all__ = ["Parameter", "Signature", "attribute", "computed_attributes", "constant", "signature", "value_type_of"]

UNSET = object()
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
PLAIN_BASES = ("ABC", "Generic", "NamedTuple", "Protocol", "object")  # they take no arguments of their own


@dataclass(frozen=True)
class Parameter:
    """One argument.

    Args:
        value_type: The values that it takes.
        default: Its default; UNSET if there is none, Ellipsis if it is not a literal.
    """

    value_type: ValueType
    default: Any = UNSET

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.default is UNSET


@dataclass(frozen=True)
class Signature:
    """The arguments of a class or function.

    Args:
        parameters: Arguments by name.
        open: Whether others are accepted too (`**kwargs`, or a base class whose source is not read).
    """

    parameters: dict[str, Parameter] = field(default_factory=dict)
    open: bool = False


def signature(target: str, trusted: tuple[str, ...] = ()) -> Signature | None:
    """Return the arguments of a class or function.

    Args:
        target: Its dotted name.
        trusted: Users' modules that may be read.

    Returns:
        The signature, or None if the source defines no such name.
    """
    path, _, name = target.rpartition(".")
    where = module(path, trusted)
    definition = find(name, where) if where is not None else None
    if definition is None or isinstance(definition.node, ast.expr):
        return None
    return (
        _class(definition)
        if isinstance(definition.node, ast.ClassDef)
        else _function(definition.node, definition.module, 0)
    )


def attribute(target: str, name: str, trusted: tuple[str, ...] = ()) -> Any:
    """Return a class attribute as the class body, or that of a base class, assigns it.

    Args:
        target: Dotted name of the class.
        name: Of the attribute.
        trusted: Users' modules that may be read.

    Returns:
        The literal value; Ellipsis for an expression; None where nothing can be seen.
    """
    for node in _classes(target, trusted):
        for statement in node.body:
            if isinstance(statement, ast.Assign | ast.AnnAssign) and name in _assigned(statement):
                return _literal(statement.value) if statement.value is not None else None
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
    for node in _classes(target, trusted):
        for statement in node.body:
            if isinstance(statement, ast.Assign | ast.AnnAssign) and name in _assigned(statement):
                if statement.value is not None:
                    return _literal(statement.value)
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
    for node in _classes(target, trusted):
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef):
                computed |= {statement.name, *_assigned_to_self(statement)}
            elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
                computed |= set(_assigned(statement)) if _literal(statement.value) is ... else set()
    return [name for name in names if name in computed]


def _returned(method: ast.FunctionDef) -> Any:
    # The literal that a method of one statement after its docstring returns.
    *before, last = method.body
    if isinstance(last, ast.Return) and last.value is not None and all(isinstance(line, ast.Expr) for line in before):
        return _literal(last.value)
    return ...


def _classes(target: str, trusted: tuple[str, ...]) -> Iterator[ast.ClassDef]:
    # The class and its bases, each the first one whose source can be read.
    path, _, last = target.rpartition(".")
    where = module(path, trusted)
    definition = find(last, where) if where is not None else None
    while definition is not None and isinstance(definition.node, ast.ClassDef):
        yield definition.node
        bases = (find(ast.unparse(base), definition.module) for base in definition.node.bases)
        definition = next((base for base in bases if base is not None), None)


def _assigned(statement: ast.Assign | ast.AnnAssign) -> list[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _assigned_to_self(method: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(method):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self":
            yield node.attr


def _class(definition: Definition) -> Signature:
    node, where = definition
    assert isinstance(node, ast.ClassDef)
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            return _function(statement, where, 1)
    bases = [base.value if isinstance(base, ast.Subscript) else base for base in node.bases]
    names = [ast.unparse(base) for base in bases]
    decorators = {
        ast.unparse(item.func if isinstance(item, ast.Call) else item).split(".")[-1] for item in node.decorator_list
    }
    inherited, unseen = _inherited(names, where)
    if "dataclass" in decorators or any(name.split(".")[-1] == "NamedTuple" for name in names):
        before = inherited.parameters if inherited is not None else {}
        return Signature({**before, **_fields(node, where)})
    return inherited if inherited is not None else Signature(open=unseen)


def _inherited(names: list[str], where: Module) -> tuple[Signature | None, bool]:
    unseen = False
    for name in names:
        if name.split(".")[-1] in PLAIN_BASES:
            continue
        base = find(name, where)
        if base is not None and isinstance(base.node, ast.ClassDef):
            return _class(base), False
        unseen = True
    return None, unseen


def _fields(node: ast.ClassDef, where: Module) -> dict[str, Parameter]:
    fields = {}
    for statement in node.body:
        if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)):
            continue
        if "ClassVar" in ast.unparse(statement.annotation):
            continue
        value, default = statement.value, UNSET
        if isinstance(value, ast.Call) and ast.unparse(value.func).split(".")[-1] == "field":
            keywords = {keyword.arg: keyword.value for keyword in value.keywords}
            if ast.unparse(keywords.get("init", ast.Constant(True))) == "False":
                continue
            if "default" in keywords:
                default = _literal(keywords["default"])
            elif "default_factory" in keywords:
                default = ...
        elif value is not None:
            default = _literal(value)
        fields[statement.target.id] = Parameter(value_type_of(statement.annotation, where), default)
    return fields


def _function(node: ast.FunctionDef, where: Module, skip: int) -> Signature:
    names = [*node.args.posonlyargs, *node.args.args][skip:]
    defaults: list[Any] = [UNSET] * len(names)
    if node.args.defaults:
        defaults[-len(node.args.defaults) :] = [_literal(value) for value in node.args.defaults]
    names += node.args.kwonlyargs
    defaults += [UNSET if value is None else _literal(value) for value in node.args.kw_defaults]
    parameters = {
        name.arg: Parameter(value_type_of(name.annotation, where), default)
        for name, default in zip(names, defaults, strict=True)
    }
    return Signature(parameters, open=node.args.kwarg is not None)


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ...


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
        return Nested() if isinstance(definition.node, ast.ClassDef) and not _is_enum(definition.node) else AnyValue()
    value_type = BARE.get(name.split(".")[-1], AnyValue())
    return Number(value_type.integer, limits) if isinstance(value_type, Number) else value_type


def _is_enum(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).endswith("Enum") for base in node.bases)


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
