"""Arguments of a class or function, read from its source: the constructor is the schema of its YAML."""

import ast
import re
from dataclasses import dataclass, field
from typing import Any

from aevb.config.annotations import value_type_of
from aevb.config.static_imports import Definition, Module, find, literal, module
from aevb.config.value_types import ValueType

__all__ = ["Parameter", "Signature", "defined", "signature"]

UNSET = object()
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


def defined(target: str, trusted: tuple[str, ...] = ()) -> list[str]:
    """Return the dotted names of the classes and functions in the module of a target that it does not define.

    Args:
        target: Dotted name.
        trusted: Users' modules that may be read.
    """
    path = target.rpartition(".")[0]
    where = module(path, trusted)
    names = where.names.items() if where is not None else ()
    return [f"{path}.{name}" for name, node in names if isinstance(node, ast.ClassDef | ast.FunctionDef)]


def _class(definition: Definition) -> Signature:
    node, where = definition
    assert isinstance(node, ast.ClassDef)
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            return _constructor(statement, node, where)
    names = _base_names(node)
    decorators = {
        ast.unparse(item.func if isinstance(item, ast.Call) else item).split(".")[-1] for item in node.decorator_list
    }
    inherited, unseen = _inherited(names, where)
    if "dataclass" in decorators or any(name.split(".")[-1] == "NamedTuple" for name in names):
        before = inherited.parameters if inherited is not None else {}
        return Signature({**before, **_fields(node, where)})
    return inherited if inherited is not None else Signature(open=unseen)


def _base_names(node: ast.ClassDef) -> list[str]:
    return [ast.unparse(base.value if isinstance(base, ast.Subscript) else base) for base in node.bases]


def _constructor(init: ast.FunctionDef, node: ast.ClassDef, where: Module) -> Signature:
    own = _function(init, where, 1)
    if not own.open or not _passes_on(init):
        return own
    base, unseen = _inherited(_base_names(node), where)  # what **kwargs takes are the arguments of the base class
    if base is None:
        return own if unseen else Signature(own.parameters)
    named = {keyword.arg for call in _calls_of_super(init) for keyword in call.keywords}
    passed = {name: parameter for name, parameter in base.parameters.items() if name not in named}
    return Signature({**passed, **own.parameters}, base.open)


def _passes_on(init: ast.FunctionDef) -> bool:
    # Whether super().__init__ is called with the **kwargs.
    assert init.args.kwarg is not None
    rest = init.args.kwarg.arg
    values = [word.value for call in _calls_of_super(init) for word in call.keywords if word.arg is None]
    return any(isinstance(value, ast.Name) and value.id == rest for value in values)


def _calls_of_super(init: ast.FunctionDef) -> list[ast.Call]:
    calls = [item for item in ast.walk(init) if isinstance(item, ast.Call)]
    return [call for call in calls if re.fullmatch(r"super\(.*\)\.__init__", ast.unparse(call.func))]


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
                default = literal(keywords["default"])
            elif "default_factory" in keywords:
                default = ...
        elif value is not None:
            default = literal(value)
        fields[statement.target.id] = Parameter(value_type_of(statement.annotation, where), default)
    return fields


def _function(node: ast.FunctionDef, where: Module, skip: int) -> Signature:
    names = [*node.args.posonlyargs, *node.args.args][skip:]
    defaults: list[Any] = [UNSET] * len(names)
    if node.args.defaults:
        defaults[-len(node.args.defaults) :] = [literal(value) for value in node.args.defaults]
    names += node.args.kwonlyargs
    defaults += [UNSET if value is None else literal(value) for value in node.args.kw_defaults]
    parameters = {
        name.arg: Parameter(value_type_of(name.annotation, where), default)
        for name, default in zip(names, defaults, strict=True)
    }
    return Signature(parameters, open=node.args.kwarg is not None)
