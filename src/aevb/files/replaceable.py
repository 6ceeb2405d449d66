"""Output files that a command replaces only if a command of aevb wrote them."""

import os
import stat
from pathlib import Path

from aevb.console.typed import typed_path
from aevb.errors import UserError
from aevb.files.regular import KINDS, open_regular

__all__ = ["ARCHIVE", "PAGE", "check_replaceable"]

PAGE = (
    b'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" ',
)
"""How a page of aevb-report or aevb-explore begins."""

ARCHIVE = (b"PK\x03\x04", b"weights.json")
"""What the first bytes of an archive of aevb-weights contain."""

START = 200


def check_replaceable(path: Path, flag: str, signature: tuple[bytes, ...]) -> None:
    """Check that an output file is new, empty, or an earlier output of the same kind.

    A link to a regular file, or to nothing, is replaced and not followed, so its target is safe (`aevb.files.atomic`).

    Args:
        path: The file that a command is about to write.
        flag: The flag that names it, for the message.
        signature: Bytes that the first bytes of such an output contain; the first of them at the very beginning.

    Raises:
        UserError: If there is a file of another kind, or a special file such as /dev/null, in whose place a file must not come.
    """
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if not stat.S_ISREG(mode):
        what = KINDS.get(stat.S_IFMT(mode), "a special file")
        remedy = "a file in it" if stat.S_ISDIR(mode) else "another path"
        raise UserError(f"{flag} {path}: {what}; allowed: a new file, or an earlier output to replace; try: {remedy}")
    if os.path.islink(path):
        return
    with open_regular(path) as file:
        start = file.read(START)
    if start and not (start.startswith(signature[0]) and all(part in start for part in signature)):
        raise UserError(
            f"{flag} {path}: a file that aevb did not write; allowed: a new file, or an earlier output to replace; "
            f"try: {flag} {typed_path(path.with_stem(path.stem + '-2'))}"
        )
