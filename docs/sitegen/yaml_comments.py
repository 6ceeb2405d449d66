"""Comments of a YAML file of conf/: its header, and the comment beside each key."""

import re
from pathlib import Path
from typing import NamedTuple

__all__ = ["Header", "beside_keys", "header"]

KEY = re.compile(r"^( *)([\w.]+):(?=\s|$)(.*)$")
FIELD = re.compile(r"(?:^|(?<=\s))(Command|Cost|Result): +")


class Header(NamedTuple):
    """The header of a file.

    Attributes:
        first: Its first line.
        text: The other lines before the fields.
        commands: Commands, one a line.
        cost: What they cost.
        result: What comes of them, or where it is written down.
    """

    first: str
    text: str
    commands: list[str]
    cost: str
    result: str


def header(path: Path) -> Header:
    """Return the header of a file: the comment lines that it begins with, without `@package`."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        if not line.startswith("# @package"):
            lines.append(line.removeprefix("#").strip())
    before, *fields = FIELD.split("\n".join(lines))
    values = dict(zip(fields[::2], (field.strip() for field in fields[1::2]), strict=True))
    first, _, text = before.strip().partition("\n")
    plain = {name: " ".join(value.split()) for name, value in values.items()}
    return Header(first, text, values.get("Command", "").splitlines(), plain.get("Cost", ""), plain.get("Result", ""))


def beside_keys(path: Path) -> dict[str, str]:
    """Return the comment beside each key, by its dotted name."""
    comments, above = {}, list[tuple[int, str]]()
    for line in path.read_text(encoding="utf-8").splitlines():
        match = KEY.match(line)
        if match is None:
            continue
        indent, name, rest = len(match[1]), match[2], match[3]
        above = [(depth, key) for depth, key in above if depth < indent]
        above.append((indent, name))
        value, hash_sign, comment = rest.partition(" #")
        if hash_sign and value.count('"') % 2 == 0:
            comments[".".join(key for _, key in above)] = comment.strip()
    return comments
