"""Overrides and paths in a message, as a shell and Hydra's grammar take them when they are typed."""

import re
import shlex
from os import PathLike, fspath

__all__ = ["PLAIN", "as_typed", "in_quotes", "literal", "typed_path"]

PLAIN = re.compile(r"[A-Za-z_/.][\w./-]*", re.ASCII)  # text that the grammar reads as itself
RESERVED = ("null", "true", "false", "nan", "inf")


def as_typed(key: str, *values: str | PathLike[str]) -> str:
    """Return `key=value` as a shell and Hydra take it, whatever commas, blanks or brackets the value has.

    Args:
        key: A key of the config.
        values: One text or path, or those of a list of several.
    """
    texts = [_short(fspath(value)) for value in values]
    return shlex.quote(f"{key}={texts[0] if len(texts) == 1 else '[' + ','.join(texts) + ']'}")


def typed_path(path: str | PathLike[str]) -> str:
    """Return a path as a shell takes it as an argument of its own.

    Args:
        path: Any path.
    """
    text = fspath(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def literal(text: str) -> str:
    """Return a text as a value of Hydra's grammar, in quotes where it needs them.

    Args:
        text: Any text.
    """
    return text if PLAIN.fullmatch(text) and text.lower() not in RESERVED else in_quotes(text)


def in_quotes(text: str) -> str:
    """Return a text within the single quotes of Hydra's grammar.

    Args:
        text: Any text.
    """
    # Within quotes a backslash is itself, except before a quote: there, and at the end, it is doubled.
    return "'" + re.sub(r"(\\*)('|$)", lambda match: 2 * match[1] + ("\\'" if match[2] else ""), text) + "'"


def _short(text: str) -> str:
    # Double quotes, as single ones stand around the whole in a shell: 'run="my runs"'.
    value = literal(text)
    return f'"{text}"' if value != text and not set(text) & set("'\"\\$") else value
