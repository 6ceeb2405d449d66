"""Build the objects that a config describes: the only module that imports and calls what a config names.

A run directory may come from elsewhere, so the allow-list is checked again here, before anything is imported.
"""

import inspect
from enum import Enum
from importlib import import_module
from typing import Any, TypeVar, get_args, get_type_hints

from aevb.config import allowed
from aevb.config.messages import TRUST
from aevb.errors import UserError

__all__ = ["build", "instantiate"]

Kind = TypeVar("Kind")


def instantiate(node: Any, trusted: tuple[str, ...] = (), **runtime: Any) -> Any:
    """Return the object that a config node describes.

    Args:
        node: Plain containers. A mapping with `_target_` is a call of that class or function with the other entries as
            arguments, which are built first; other mappings and lists are built entry by entry.
        trusted: Users' modules that a target may be in.
        **runtime: Arguments that no config gives (aevb.config.RUNTIME). A target is given those that its signature
            names and the config does not.

    Returns:
        The object, or the containers with every object in them built.

    Raises:
        UserError: For a target outside the allow-list, for an abstract class, and for arguments that do not fit the
            signature.
    """
    if isinstance(node, list):
        return [instantiate(item, trusted, **runtime) for item in node]
    if not isinstance(node, dict):
        return node
    arguments = {name: value for name, value in node.items() if name != "_target_"}
    if "_target_" not in node:
        return {name: instantiate(value, trusted, **runtime) for name, value in arguments.items()}
    target = _target(node["_target_"], trusted)
    if inspect.isabstract(target):
        missing = ", ".join(sorted(target.__abstractmethods__))
        raise UserError(f"_target_={node['_target_']}: an abstract class; try: define {missing} in it")
    if inspect.isclass(target) and target.__hash__ is None and hasattr(target, "named_modules"):
        wrong = "a dataclass that compares its fields, so torch cannot hold it as a module"
        raise UserError(f"_target_={node['_target_']}: {wrong}; allowed: with eq=False; try: @dataclass(eq=False)")
    taken = inspect.signature(target).parameters
    named = _named(target)
    accepted = {name: value for name, value in runtime.items() if name in named}
    accepted |= {name: instantiate(value, trusted, **runtime) for name, value in arguments.items()}
    if not node["_target_"].startswith("aevb."):  # aevb's own have no enumerations
        accepted |= _members(target, accepted)
    try:
        inspect.signature(target).bind(**accepted)
    except TypeError as error:
        # "missing a required argument: 'x'", or "got an unexpected keyword argument 'x'"
        name, is_missing = str(error).split("'")[1], str(error).startswith("missing")
        remedy = f"a value of {name}" if is_missing else f"no {name}"
        raise UserError(f"_target_={node['_target_']}: {error}; allowed: {', '.join(taken)}; try: {remedy}") from error
    return target(**accepted)


def build(node: Any, kind: type[Kind], key: str, trusted: tuple[str, ...] = (), **runtime: Any) -> Kind:
    """Return the object of a kind that a config node describes.

    Args:
        node: A mapping with `_target_`.
        kind: The base class that the object must have.
        key: The dotted key of the node.
        trusted: Users' modules that a target may be in.
        **runtime: As for `instantiate`.

    Returns:
        The object.

    Raises:
        UserError: As for `instantiate`; for an object of another kind, and for a module whose constructor does not call that
            of its base class.
    """
    made = instantiate(node, trusted, **runtime)
    if not isinstance(made, kind):
        raise UserError(
            f"{key}._target_={node['_target_']}: makes a {type(made).__name__}; allowed: a subclass of {kind.__name__}; "
            f"try: from {kind.__module__} import {kind.__name__}"
        )
    if hasattr(kind, "named_modules") and "_modules" not in vars(made):
        raise UserError(
            f"{key}._target_={node['_target_']}: its constructor never called super().__init__; "
            "try: super().__init__() as its first line"
        )
    return made


def _named(target: Any) -> set[str]:
    # Names of arguments; with **kwargs, also those of the base class, to which a constructor passes them on.
    names: set[str] = set()
    owners = target.__mro__ if inspect.isclass(target) else ()
    for function in [vars(owner)["__init__"] for owner in owners if "__init__" in vars(owner)] or [target]:
        parameters = inspect.signature(function).parameters.values()
        names |= {parameter.name for parameter in parameters}
        if all(parameter.kind != parameter.VAR_KEYWORD for parameter in parameters):
            break
    return names


def _members(target: Any, arguments: dict[str, Any]) -> dict[str, Enum]:
    # The members of enumerations, of which a config has the values.
    try:
        hints = get_type_hints(target.__init__ if inspect.isclass(target) else target)
    except (NameError, TypeError, AttributeError):  # annotations that only a type checker resolves
        return {}
    members = {}
    for name, value in arguments.items():
        for kind in (hints.get(name), *get_args(hints.get(name))):
            if inspect.isclass(kind) and issubclass(kind, Enum) and value in [member.value for member in kind]:
                members[name] = kind(value)
    return members


def _target(name: Any, trusted: tuple[str, ...]) -> Any:
    if not isinstance(name, str) or not allowed(name, trusted):
        raise UserError(
            f"_target_={name}: not a target that a config may name; allowed: the targets in aevb's conf/; try: {TRUST}"
        )
    path, _, attribute = name.rpartition(".")
    try:
        return getattr(import_module(path), attribute)
    except (ModuleNotFoundError, AttributeError) as error:
        raise UserError(f"_target_={name}: {error}; try: the version of aevb that made this config") from error
