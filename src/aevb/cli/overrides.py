"""Python values as overrides in Hydra's grammar: `override("latent_dim", 2)` is `latent_dim=2`."""

import math
import os
import re
from collections.abc import Mapping
from os import PathLike, fspath
from typing import Any

from aevb.console.typed import PLAIN, literal
from aevb.errors import UserError

__all__ = ["PATHS", "literal_path", "override"]

KEY = re.compile(r"~|\+{0,2}[A-Za-z_][\w./@-]*", re.ASCII)
PATHS = ("run", "runs", "name", "output_dir", "data_root", "init_from", "data.path", "data.root", "figure.data_root")
"""Keys of the commands that Hydra configures whose value is a path, or the name of a folder."""


def override(key: str, value: Any) -> str:
    """Return `key=value`.

    Args:
        key: A key or a group of the config, dotted: "latent_dim", "optimizer.lr", "data".
        value: None, a truth value, a number (of numpy too), text, a path, or a list or mapping of such values.

    Raises:
        UserError: For a key or a value that no override can have.
    """
    if not KEY.fullmatch(key):
        raise UserError(f"{key}: not a key; allowed: dotted names; try: **{{'optimizer.lr': 0.01}}")
    return f"{key}={_text(key, value)}"


def literal_path(argument: str) -> str:
    """Return an argument whose value is a path such that Hydra reads the path as it was typed.

    A shell leaves `key=~/path` alone and Hydra refuses it; an umlaut, an equals sign, a bracket or a comma is no part of a
    plain value of Hydra's grammar. A path that exists is taken literally, and so is one that the grammar cannot read. What
    the grammar can read stays: a list, a sweep, quotes.

    Args:
        argument: Any argument of a command line.
    """
    key, _, value = argument.partition("=")
    if re.match(r"~[\w.-]*(/|$)", value):
        return override(key, os.path.expanduser(value))
    if key.lstrip("+") not in PATHS or not KEY.fullmatch(key) or not value or PLAIN.fullmatch(value):
        return argument
    if _exists(value):
        return override(key, value)
    if re.match(r"\w+\(", value) or _is_readable(argument):
        return argument
    if value[0] == "[" and value[-1] == "]":
        return override(key, [part.strip() for part in value[1:-1].split(",")])
    return f"{key}={','.join(_text(key, part) for part in value.split(','))}"


def _exists(path: str) -> bool:
    from aevb.runs.run_reference import split_reference  # not imported for plain values

    return os.path.lexists(path) or os.path.lexists(split_reference(path)[0])  # also of `ARCHIVE.zip:NAME`


def _is_readable(argument: str) -> bool:
    from hydra.core.override_parser.overrides_parser import OverridesParser  # not imported for plain values
    from hydra.errors import HydraException

    try:
        OverridesParser.create().parse_override(argument)
    except HydraException:
        return False
    return True


def _text(key: str, value: Any) -> str:
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:  # a number of numpy or torch
        value = value.item()
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)
    if isinstance(value, PathLike):
        value = fspath(value)
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_text(key, str(name))}:{_text(key, item)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_text(key, item) for item in value) + "]"
    if isinstance(value, type):
        node = key if key.endswith("._target_") else f"{key}._target_"
        raise UserError(
            f"{key}={value.__name__}: a class; allowed: its dotted name, as text; "
            f"try: **{{'{node}': '{value.__module__}.{value.__qualname__}'}}"
        )
    remedy = "numpy.save('mine.npy', x), then data='array', **{'data.path': 'mine.npy'}"
    raise UserError(
        f"{key}={type(value).__name__}: no value for a config; allowed: numbers, text, None, lists and mappings of them"
        + (f"; try: {remedy}" if key in ("data", "data.path") else "")
    )
