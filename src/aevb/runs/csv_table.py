"""metrics.csv and timing.csv, read through one reader: bounded in size, every cell a number or empty."""

import csv
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aevb.config.value_types import INTEGER_END
from aevb.errors import UserError
from aevb.files.regular import MIB, read_text

if TYPE_CHECKING:
    import numpy as np

__all__ = ["CLOCK", "cells_of", "columns", "parse_columns", "parse_rows", "plain_lines", "read_rows", "table_text"]

LIMIT = 64 * MIB
CLOCK = "samples_seen"


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read the rows of a table as they are written.

    Args:
        path: metrics.csv or timing.csv of a run.

    Returns:
        One dictionary per row; `samples_seen` is an integer >= 0, every other cell a number, or empty.

    Raises:
        UserError: If the file is damaged or no regular file.
        FileNotFoundError: If there is no such file.
    """
    return parse_rows(table_text(path), path)


def table_text(path: Path | str) -> str:
    """Read a table as text.

    Args:
        path: metrics.csv or timing.csv of a run.

    Returns:
        The content, which is still to be parsed.

    Raises:
        UserError: If the file is not UTF-8, too large or no regular file.
        FileNotFoundError: If there is no such file.
    """
    try:
        return read_text(path, LIMIT)
    except ValueError as error:
        raise _damaged(path, error) from error


def parse_rows(text: str, path: Path | str) -> list[dict[str, str]]:
    """Return the rows of a table as they are written.

    Args:
        text: The content of metrics.csv or timing.csv of a run.
        path: The file, for the message.

    Returns:
        As `read_rows`.

    Raises:
        UserError: If the text is damaged.
    """
    try:
        return _rows(text)
    except (ValueError, csv.Error) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path | str, error: Exception) -> UserError:
    remedy = "the command that trained the run, which writes it anew"
    return UserError(f"{path}: damaged ({' '.join(str(error).split())[:200]}); try: {remedy}")


def _rows(text: str) -> list[dict[str, str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    names = next(reader, [])
    if names and (CLOCK not in names or len(set(names)) != len(names)):
        raise ValueError(f"no column {CLOCK}" if CLOCK not in names else "two columns of one name")
    rows, clock = [], names.index(CLOCK) if names else 0
    for cells in reader:
        if not cells:
            continue
        if len(cells) != len(names):
            raise ValueError(f"line {reader.line_num} has not {len(names)} cells")
        if not _are_numbers(cells, clock):
            for name, cell in zip(names, cells, strict=True):
                _check(name, cell, reader.line_num)
        rows.append(dict(zip(names, cells, strict=True)))
    return rows


def _are_numbers(cells: list[str], clock: int) -> bool:
    # Whether every cell is an ordinary number or empty; the others are looked at one by one.
    try:
        seen, numbers = int(cells[clock]), list(map(float, filter(None, cells)))
    except ValueError:
        return False
    return 0 <= seen < INTEGER_END and math.inf not in numbers and -math.inf not in numbers


def _check(name: str, cell: str, line: int) -> None:
    try:
        value = int(cell) if name == CLOCK else float(cell or "nan")
    except ValueError as error:
        raise ValueError(f"line {line}: {name}={cell[:40]}") from error
    overflow = math.isinf(value) and cell not in ("inf", "-inf")  # of a run that diverged, repr writes these
    if overflow or (name == CLOCK and not 0 <= value < INTEGER_END):
        raise ValueError(f"line {line}: {name}={cell[:40]}")


def columns(path: Path | str) -> "dict[str, np.ndarray]":
    """Read a table by columns.

    Args:
        path: The path of the file.

    Returns:
        samples_seen as int64, the other columns as float64; nan where nothing was computed.
    """
    return parse_columns(table_text(path), path)


def parse_columns(text: str, path: Path | str) -> "dict[str, np.ndarray]":
    """Return a table by columns.

    Args:
        text: The content of metrics.csv or timing.csv of a run.
        path: The file, for the message.

    Returns:
        As `columns`.

    Raises:
        UserError: If the text is damaged.
    """
    import numpy as np  # here, so that a command that only asks for help does not wait for it

    names, lists = _by_columns(text) or _by_rows(parse_rows(text, path))
    return {
        name: np.array(values, dtype=np.int64 if name == CLOCK else np.float64)
        for name, values in zip(names, lists, strict=True)
    }


def cells_of(text: str) -> list[list[str]]:
    """Split a table that `parse_columns` has accepted into its cells.

    Args:
        text: The content of metrics.csv or timing.csv of a run.

    Returns:
        The names of the columns, then the cells of each row.
    """
    if (lines := plain_lines(text)) is not None:
        return [line.split(",") for line in lines]
    return [cells for cells in csv.reader(io.StringIO(text, newline=""), strict=True) if cells]


def plain_lines(text: str) -> list[str] | None:
    """Return the lines of a table that is read without the csv module.

    Args:
        text: The content of metrics.csv or timing.csv of a run.

    Returns:
        The lines; None if there are quotes, carriage returns or empty lines in the text.
    """
    if '"' in text or "\r" in text or "\n\n" in text:
        return None
    return text.removesuffix("\n").split("\n")


def _by_columns(text: str) -> tuple[list[str], list[list[Any]]] | None:
    # Names and values of a plain table whose cells are all ordinary numbers or empty; others are looked at row by row.
    if (lines := plain_lines(text)) is None:
        return None
    try:
        names, *rows = (line.split(",") for line in lines)
        if CLOCK not in names or len(set(names)) != len(names):
            return None
        lists = [
            list(map(int if name == CLOCK else float, cells if "" not in cells else [cell or "nan" for cell in cells]))
            for name, cells in zip(names, zip(*rows, strict=True), strict=True)
        ]
    except ValueError:
        return None
    seen = lists[names.index(CLOCK)]
    overflow = any(math.inf in values or -math.inf in values for values in lists)
    return None if overflow or min(seen) < 0 or max(seen) >= INTEGER_END else (names, lists)


def _by_rows(rows: list[dict[str, str]]) -> tuple[list[str], list[list[Any]]]:
    names = list(rows[0]) if rows else []
    return names, [
        [int(row[name]) for row in rows] if name == CLOCK else [float(row[name] or "nan") for row in rows]
        for name in names
    ]
