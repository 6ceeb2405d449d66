"""metrics.csv and timing.csv, read through one reader: bounded in size, every cell a number or empty."""

import csv
import io
import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from aevb.errors import UserError
from aevb.files.regular import MIB, read_text

if TYPE_CHECKING:
    import numpy as np

__all__ = ["CLOCK", "columns", "read_rows"]

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
    try:
        reader = csv.DictReader(io.StringIO(read_text(path, LIMIT), newline=""), strict=True)
        names = reader.fieldnames or []
        if names and (CLOCK not in names or len(set(names)) != len(names)):
            raise ValueError(f"no column {CLOCK}" if CLOCK not in names else "two columns of one name")
        rows = []
        for row in reader:
            if None in row or None in row.values():
                raise ValueError(f"line {reader.line_num} has not {len(names)} cells")
            for name, cell in row.items():
                _check(name, cell, reader.line_num)
            rows.append(row)
        return rows
    except (ValueError, csv.Error) as error:
        remedy = "the command that trained the run, which writes it anew"
        raise UserError(f"{path}: damaged ({' '.join(str(error).split())[:200]}); try: {remedy}") from error


def _check(name: str, cell: str, line: int) -> None:
    try:
        value = int(cell) if name == CLOCK else float(cell or "nan")
    except ValueError as error:
        raise ValueError(f"line {line}: {name}={cell[:40]}") from error
    overflow = math.isinf(value) and cell not in ("inf", "-inf")  # of a run that diverged, repr writes these
    if overflow or (name == CLOCK and not 0 <= value < 1 << 62):
        raise ValueError(f"line {line}: {name}={cell[:40]}")


def columns(path: Path) -> "dict[str, np.ndarray]":
    """Read a table by columns.

    Args:
        path: The path of the file.

    Returns:
        samples_seen as int64, the other columns as float64; nan where nothing was computed.
    """
    import numpy as np  # here, so that a command that only asks for help does not wait for it

    rows = read_rows(path)
    integers, floats = partial(np.array, dtype=np.int64), partial(np.array, dtype=np.float64)
    return {
        name: integers([int(row[name]) for row in rows])
        if name == CLOCK
        else floats([float(row[name] or "nan") for row in rows])
        for name in (rows[0] if rows else ())
    }
