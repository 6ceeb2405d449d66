"""Output files that a command replaces only if a command of aevb wrote them."""

import os
import stat
from pathlib import Path

from aevb.errors import UserError
from aevb.files.regular import open_regular

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

    Links and special files are replaced and not followed, so their targets are safe (`aevb.files.atomic`).

    Args:
        path: The file that a command is about to write.
        flag: The flag that names it, for the message.
        signature: Bytes that the first bytes of such an output contain; the first of them at the very beginning.

    Raises:
        UserError: If there is a file of another kind.
    """
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return
    except (FileNotFoundError, NotADirectoryError):
        return
    with open_regular(path) as file:
        start = file.read(START)
    if start and not (start.startswith(signature[0]) and all(part in start for part in signature)):
        raise UserError(
            f"{flag} {path}: a file that aevb did not write; allowed: a new file, or an earlier output to replace; "
            f"try: {flag} {path.with_stem(path.stem + '-2')}"
        )
