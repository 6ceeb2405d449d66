"""Python values as overrides in Hydra's grammar: `override("latent_dim", 2)` is `latent_dim=2`."""

import math
import os
import re
from collections.abc import Mapping
from os import PathLike, fspath
from typing import Any

from aevb.errors import UserError

__all__ = ["expand_home", "override"]

KEY = re.compile(r"~|\+{0,2}[A-Za-z_][\w./@-]*", re.ASCII)
PLAIN = re.compile(r"[A-Za-z_/.][\w./-]*", re.ASCII)  # text that the grammar reads as itself
RESERVED = ("null", "true", "false", "nan", "inf")


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


def expand_home(argument: str) -> str:
    """Return a `key=~/path` of the command line with the home folder in it; a shell leaves it alone, Hydra refuses it.

    Args:
        argument: Any argument.
    """
    key, _, value = argument.partition("=")
    return override(key, os.path.expanduser(value)) if re.match(r"~[\w.-]*(/|$)", value) else argument


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
        return value if PLAIN.fullmatch(value) and value.lower() not in RESERVED else _quoted(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_text(key, str(name))}:{_text(key, item)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_text(key, item) for item in value) + "]"
    raise UserError(
        f"{key}={type(value).__name__}: no value for a config; allowed: numbers, text, None, lists and mappings of them"
    )


def _quoted(text: str) -> str:
    # Within quotes a backslash is itself, except before a quote: there, and at the end, it is doubled.
    return "'" + re.sub(r"(\\*)('|$)", lambda match: 2 * match[1] + ("\\'" if match[2] else ""), text) + "'"
