"""A Sphinx extension that reads docstrings as plain text with Google's sections.

Docstrings are written for readers of the source: single backticks are code, and `p(x|z)`, `z_k` and `*` stand for themselves.
In reStructuredText they would be markup, so they are escaped, and an indented block is kept as it is written.
"""

import re
from typing import Any

__all__ = ["escaped", "is_alias", "plain", "setup", "unannotated"]

SECTION = re.compile(r"^(Args|Attributes|Returns|Yields|Raises|Example|Examples|Note|References):\s*$")
SPECIAL = re.compile(r"([\\*|]|_(?=\W|$))")
COLON = "\ue000"  # stands for a colon while napoleon reads
ANNOTATED = re.compile(r"(?:typing\.)?Annotated\[(\w+), ~?[\w.]*Range\([^)]*\)\]")
BULLET = re.compile(r"^([*-]|\d+\.) +")


def setup(app: Any) -> dict[str, bool]:
    """Register the conversion before that of napoleon."""
    app.connect("autodoc-process-docstring", _before_napoleon, priority=100)
    app.connect("autodoc-process-docstring", _after_napoleon, priority=900)
    app.connect("autodoc-process-signature", _signature)
    app.connect("autodoc-skip-member", _skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _before_napoleon(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = plain(lines)
    if what in ("attribute", "property"):
        # napoleon would read "text: more text" as the type of an attribute.
        lines[:] = [line.replace(":", COLON) for line in lines]


def _after_napoleon(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = [line.replace(COLON, ":") for line in lines]


def _signature(app: Any, what: str, name: str, obj: Any, options: Any, text: str | None, result: str | None) -> Any:
    return text and unannotated(text), result and unannotated(result)


def _skip(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    return True if is_alias(obj) else None  # None: as Sphinx decides


def is_alias(member: Any) -> bool:
    """Return whether a member is a field of a named tuple, which the docstring of the class describes."""
    return str(getattr(member, "__doc__", "")).startswith("Alias for field number")


def unannotated(text: str) -> str:
    """Return a signature with plain types: the ranges are in the reference of the configuration."""
    return ANNOTATED.sub(r"\1", text)


def escaped(line: str) -> str:
    """Return a line whose characters stand for themselves; what is between single backticks is code."""
    parts = re.split(r"(``.+?``|`[^`]+`)", line)
    for index, part in enumerate(parts):
        if index % 2:
            parts[index] = f"``{part.strip('`')}``"
        else:
            parts[index] = SPECIAL.sub(r"\\\1", part).replace("`", r"\`")
    return "".join(parts)


def plain(lines: list[str]) -> list[str]:
    """Return a docstring in reStructuredText that shows it as it is written.

    Args:
        lines: Its lines, without common indentation.
    """
    result: list[str] = []
    section, block = False, False
    for index, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if SECTION.match(line):
            section, block = True, False
            result += ["", line]
        elif not line.strip():
            result.append("")
        elif section and (indent or not line):
            result.append(escaped(line))
        elif indent and not _continues_a_list(lines, index):
            result += [] if block else ["", "::", ""]
            block = True
            result.append(line)
        else:
            section = section and bool(indent)
            if block:
                result.append("")
            block = False
            bullet = BULLET.match(line.strip())
            if bullet and result and result[-1] and not BULLET.match(result[-1].strip()) and indent == 0:
                result.append("")
            head = line[: indent + len(bullet[0])] if bullet else ""
            result.append(head + escaped(line[len(head) :]))
    return result


def _continues_a_list(lines: list[str], index: int) -> bool:
    for line in reversed(lines[:index]):
        if not line.strip():
            return False
        if not line.startswith(" "):
            return BULLET.match(line) is not None
    return False
