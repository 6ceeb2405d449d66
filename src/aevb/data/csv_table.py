"""A table of numbers as text: .csv and .tsv.

The first line may hold the names of the columns. A column named label, y, class or target holds the classes and
is not part of x. Cells are separated by commas, semicolons or tabs, whichever the first line has most of.
"""

import io
import re
from typing import IO

import numpy as np

from aevb.console.counts import counted
from aevb.errors import UserError

__all__ = ["LABEL_COLUMNS", "LIMIT", "read_csv"]

LABEL_COLUMNS = ("label", "labels", "y", "class", "target")
LIMIT = 1 << 31
"""Largest file in bytes; a larger table belongs into an .npy file, which is not read as a whole."""


def read_csv(file: IO[bytes]) -> tuple[dict[str, np.ndarray], str]:
    """Read a table.

    Args:
        file: The open file, UTF-8.

    Returns:
        `x`, (N, D), float64 or int64 if every cell is an integer, and `label`, (N,), if there is such a column; the
        kind of the file in words.

    Raises:
        UserError: If it is not a table of numbers, or too large.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if size > LIMIT:
        raise UserError(f"a table of {size:,} bytes; allowed: {LIMIT:,}; try: numpy.save('mine.npy', x)")
    _check_text(file)
    first = file.readline(1 << 22).decode("utf-8-sig", errors="replace").strip("\r\n")
    separator = max(",;\t", key=first.count)
    cells = [cell.strip().strip('"') for cell in first.split(separator)]
    names = cells if not all(map(_is_number, cells)) else []
    if not names:
        file.seek(0)
    if not _has_rows(file):
        raise UserError("no rows below the names of the columns; allowed: a row for each datapoint; try: save it anew")
    table = _numbers(file, separator, names)
    if names and table.shape[1] != len(names):
        raise UserError(
            f"{len(names)} names of columns above {table.shape[1]} columns; allowed: a name for each column"
        )
    labels = [index for index, name in enumerate(names) if name.lower() in LABEL_COLUMNS]
    if len(labels) > 1:
        raise UserError(f"columns {', '.join(names[index] for index in labels)}; allowed: one column of labels")
    x = np.delete(table, labels, axis=1) if labels else table
    arrays = {"x": _as_integers(x)}
    source = f"a table of {counted(len(table), 'row')}"
    if labels:
        arrays["label"] = _as_integers(table[:, labels[0]])
        source += f" with the labels in column {names[labels[0]]}"
    return arrays, source


def _check_text(file: IO[bytes]) -> None:
    # A file with holes, read as a line of zero bytes, would be in memory as a whole.
    while chunk := file.read(1 << 24):
        if b"\0" in chunk:
            raise UserError("text with zero bytes; allowed: a table of numbers, UTF-8; try: save it anew")
    file.seek(0)


def _has_rows(file: IO[bytes]) -> bool:
    begin = file.tell()
    while (line := file.readline(1 << 22)) and not line.strip():
        pass
    file.seek(begin)
    return bool(line)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _numbers(file: IO[bytes], separator: str, names: list[str]) -> np.ndarray:
    first = 2 if names else 1
    text = io.TextIOWrapper(file, "utf-8-sig")
    try:
        return np.loadtxt(text, delimiter=separator, ndmin=2, comments=None, quotechar='"')
    except UnicodeDecodeError as error:
        raise UserError("text that is not UTF-8; allowed: UTF-8; try: save it anew") from error
    except ValueError as error:  # "could not convert string 'a' to float64 at row 3, column 2."
        reason = " ".join(str(error).split(";")[0].rstrip(".").replace(" to float64", "").split())
        cell = next(iter(re.findall(r"'(.*?)'", reason)), "x")
        remedy = "remove or number that column"
        if re.fullmatch(r"\s*|nan|n/?a|null|none|-|\?", cell, re.IGNORECASE):
            remedy = "fill the missing cells, or remove their rows"
        elif re.fullmatch(r"\s*[+-]?\d*,\d+\s*", cell):
            remedy = "a decimal point for the comma"
        raise UserError(
            f"not a table of numbers ({reason}; rows count from 0 after line {first - 1}); allowed: numbers in every cell, "
            f"names in the first line, classes as integers in a column named label; try: {remedy}"
        ) from error
    finally:
        text.detach()  # the caller closes the file


def _as_integers(values: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        whole = values.astype(np.int64)
    return whole if np.array_equal(whole, values) else values
