"""From config to objects: the only place where a name in a config is looked up and called.

What `aevb.config.validate` has passed builds without complaint, but a run directory may come from elsewhere: the
allow-list is asked again here, before anything is imported.
"""

import inspect
from importlib import import_module
from typing import Any

from aevb.config import allowed
from aevb.errors import UserError

__all__ = ["instantiate"]


def instantiate(node: Any, trusted: tuple[str, ...] = (), **runtime: Any) -> Any:
    """The object that `node` describes.

    node: plain containers. A mapping with `_target_` is a call of that class or function with the other entries as arguments,
    built first; other mappings and lists are built entry by entry; anything else is itself.
    trusted: users' modules below which a target may lie.
    runtime: arguments known only now (aevb.config.RUNTIME); each target gets those its signature names, unless the config gives
    them. Raises UserError for a target outside the allow-list and for arguments that do not fit.
    """
    if isinstance(node, list):
        return [instantiate(item, trusted, **runtime) for item in node]
    if not isinstance(node, dict):
        return node
    arguments = {name: value for name, value in node.items() if name != "_target_"}
    if "_target_" not in node:
        return {name: instantiate(value, trusted, **runtime) for name, value in arguments.items()}
    target = _target(node["_target_"], trusted)
    taken = inspect.signature(target).parameters
    given = {name: value for name, value in runtime.items() if name in taken}
    given |= {name: instantiate(value, trusted, **runtime) for name, value in arguments.items()}
    try:
        inspect.signature(target).bind(**given)
    except TypeError as error:
        raise UserError(f"_target_={node['_target_']}: {error}; allowed: {', '.join(taken)}") from error
    return target(**given)


def _target(name: Any, trusted: tuple[str, ...]) -> Any:
    if not isinstance(name, str) or not allowed(name, trusted):
        raise UserError(
            f"_target_={name}: not a target that a config may name; allowed: the targets in aevb's conf/; "
            "try: --trust MODULE on the command line for a module of your own"
        )
    path, _, attribute = name.rpartition(".")
    try:
        return getattr(import_module(path), attribute)
    except (ModuleNotFoundError, AttributeError) as error:
        raise UserError(f"_target_={name}: {error}; try: the version of aevb that made this config") from error
