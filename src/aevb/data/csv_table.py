"""A table of numbers as text: .csv and .tsv.

The first line may hold the names of the columns. A column named label, y, class or target holds the classes and
is not part of x. Cells are separated by commas, semicolons or tabs, whichever the first line has most of.

pandas writes two things that are no data: the numbers 0, 1, ... as names of columns that have none, and the numbers of
the rows in a first column without a name.
"""

import csv
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

OTHER_REMEDY = "remove or number that column"
"""What to try where a cell is words."""


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
    lines, first = _first_line(file)
    separator = max(",;\t", key=first.count)
    cells = [cell.strip() for cell in next(csv.reader([first], delimiter=separator, skipinitialspace=True), [])]
    numbered = len(cells) > 2 and cells == [str(index) for index in range(len(cells))]
    if not numbered:
        _check_first_line(cells, separator)
    names = cells if numbered or not all(map(_is_number, cells)) else []
    if not names:
        file.seek(0)
    if not _has_rows(file):
        raise UserError("no rows below the names of the columns; allowed: a row for each datapoint; try: save it anew")
    if len(names) > 1 and re.fullmatch(r"(Unnamed: 0)?", names[0]):
        raise UserError(
            "the first column has no name, as that of the row numbers of pandas; allowed: a name for each column; "
            "try: table.to_csv('mine.csv', index=False)"
        )
    table = _numbers(file, separator, lines if names else 0)
    if names and table.shape[1] != len(names):
        raise UserError(
            f"{len(names)} names of columns above {table.shape[1]} columns; allowed: a name for each column; "
            f"try: a first line with {table.shape[1]} names"
        )
    labels = [index for index, name in enumerate(names) if name.lower() in LABEL_COLUMNS]
    if len(labels) > 1:
        named = [names[index] for index in labels]
        raise UserError(
            f"columns {', '.join(named)}; allowed: one column of labels; try: the file without column {named[-1]}"
        )
    if len(labels) == len(names) > 0:
        raise UserError(
            f"column {names[0]} alone, which holds classes; allowed: columns of numbers beside it; try: another name for the "
            "column, if it is no label"
        )
    x = np.delete(table, labels, axis=1) if labels else table
    arrays = {"x": _as_integers(x)}
    source = f"a table of {counted(len(table), 'row')}"
    if numbered:
        source += f" below the names {names[0]}..{names[-1]}"
    if labels:
        arrays["label"] = _classes(table[:, labels[0]], names[labels[0]])
        source += f" with the labels in column {names[labels[0]]}"
    return arrays, source


def _first_line(file: IO[bytes]) -> tuple[int, str]:
    """Read up to the first line that is not empty; return its number, from 1, and its text."""
    number = 0
    while line := file.readline(1 << 22):
        number += 1
        if text := line.decode("utf-8-sig", errors="replace").strip("\r\n"):
            if "\r" in text:
                raise UserError("lines without line feeds; allowed: a line for each datapoint; try: tr '\\r' '\\n'")
            return number, text
    return number, ""


def _check_first_line(cells: list[str], separator: str) -> None:
    # A datapoint with a missing cell, taken for the names of the columns, would be lost.
    text = [index for index, cell in enumerate(cells) if not _is_number(cell)]
    numbers = [cell for cell in cells if _is_number(cell)]
    if cells and not any(re.search(r"\w", cell) for cell in cells):
        raise UserError(
            f"the first line has neither a name nor a number: column 1 holds '{cells[0][:40]}'; allowed: a name for each "
            f"column, or a number in every cell; try: {_remedy(cells[0], separator)}"
        )
    if not text or not numbers:
        return
    counted_up = len(cells) > 2 and numbers == [str(index) for index in range(len(numbers))]
    if counted_up and len(text) == 1 and (cells[text[0]].lower() in LABEL_COLUMNS or (text == [0] and not cells[0])):
        return  # names of pandas, 0, 1, ... beside that of the labels or of the row numbers
    cell = cells[text[0]]
    remedy = _remedy(cell, separator)
    if cell and remedy == OTHER_REMEDY:
        remedy = "names that are no numbers in the whole line, or numbers alone"
    raise UserError(
        f"the first line is neither names nor numbers: column {text[0] + 1} holds '{cell[:40]}' beside "
        f"{numbers[0][:40]}; allowed: a name for each column, or a number in every cell; try: {remedy}"
    )


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


def _numbers(file: IO[bytes], separator: str, before: int) -> np.ndarray:
    """Read the rows below the first lines, of which there are `before`."""
    text = io.TextIOWrapper(file, "utf-8-sig")
    try:
        return np.loadtxt(text, delimiter=separator, ndmin=2, comments=None, quotechar='"')
    except UnicodeDecodeError as error:
        raise UserError("text that is not UTF-8; allowed: UTF-8; try: save it anew") from error
    except ValueError as error:  # "could not convert string 'a' to float64 at row 3, column 2."
        reason = " ".join(str(error).split(";")[0].rstrip(".").replace(" to float64", "").split())
        cell = next(iter(re.findall(r"'(.*?)'", reason)), "x")
        remedy = _remedy(cell, separator)
        if reason.startswith("the number of columns changed"):
            remedy = "as many cells in every row"
        raise UserError(
            f"not a table of numbers ({reason}; rows count from 0 after line {before}); allowed: numbers in every cell, "
            f"names in the first line, classes as integers in a column named label; try: {remedy}"
        ) from error
    finally:
        text.detach()  # the caller closes the file


def _remedy(cell: str, separator: str) -> str:
    """Return what to try where a cell is no number."""
    if re.fullmatch(r"\s*|nan|n/?a|null|none|-|\?", cell, re.IGNORECASE):
        return "fill the missing cells, or remove their rows"
    if separator == "," and re.fullmatch(r"\s*[+-]?\d{1,3}(,\d{3})+(\.\d*)?\s*", cell):
        return "1000 for 1,000, or a decimal point for the comma"
    if re.fullmatch(r"\s*[+-]?\d*,\d+\s*", cell):
        return "a decimal point for the comma"
    if re.fullmatch(r"true|false", cell.strip(), re.IGNORECASE):
        return "0 for False and 1 for True"
    parts = re.split(r"[\s|:]+", cell.strip())
    if len(parts) > 1 and all(map(_is_number, parts)):
        return "commas between the cells"
    return OTHER_REMEDY


def _classes(values: np.ndarray, name: str) -> np.ndarray:
    """Return the classes of a column, (N,) int64; refuse what is no integer."""
    whole = _as_integers(values)
    if whole.dtype != np.int64:
        row = int(np.flatnonzero(values != np.rint(values))[0]) if (values != np.rint(values)).any() else 0
        missing = bool(np.isnan(values[row]))
        remedy = "remove the rows without a class" if missing else "another name for the column, if it is no label"
        raise UserError(
            f"column {name} holds {values[row]:g} in row {row}, which is no class; allowed: integers in a column named "
            f"{', '.join(LABEL_COLUMNS)}; try: {remedy}"
        )
    return whole


def _as_integers(values: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        whole = values.astype(np.int64)
    return whole if np.array_equal(whole, values) else values
