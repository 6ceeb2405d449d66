"""The base of all figures: a figure is drawn from finished runs and writes its numbers beside the picture.

Every number in the files carries its origin: the run, the fingerprint of its config and the commit.
"""

import csv
import io
import logging
import os
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import IO, Any, NamedTuple

import matplotlib
from matplotlib.figure import Figure as Canvas
from matplotlib.mathtext import MathTextParser
from matplotlib.text import Text

from aevb.console.printable import printable, without_controls
from aevb.errors import UserError
from aevb.figures.common.fonts import add_bundled_fonts
from aevb.figures.common.style import RC
from aevb.files.atomic import remove_leftovers, write_atomically, write_json, write_text
from aevb.runs.readable import KeptRun, readable
from aevb.runs.run import Run, finished

__all__ = ["CsvLines", "Drawing", "Figure", "csv_text", "markdown_table"]

Rows = Sequence[dict[str, Any]]
PLAIN = re.compile(r"[\w.;+-]+")  # text that is written as it is
METADATA = {"pdf": {"CreationDate": None}, "png": {"Software": None}}  # the same runs give the same bytes


class CsvLines(dict[str, Any]):
    """Several lines of a CSV file that have most values in common.

    The value of a key is a list with one entry per line, or what all of them share. At least one is a list.
    """


logging.getLogger("fontTools").setLevel(logging.WARNING)  # its messages about PDF fonts are long


class Drawing(NamedTuple):
    """What a figure is made of, before it is written to files.

    Attributes:
        rows: The numbers, one dictionary per line of the CSV file, or `CsvLines`.
        canvas: The picture; None if the figure has none.
        tables: Further CSV tables by the suffix of their file name.
        text: Markdown for the figure: a caption, a table, or both.
        json: The numbers as JSON for other programs; None if there is no JSON file.
        animation: A function that writes a GIF to an open binary file.
    """

    rows: Rows
    canvas: Canvas | None = None
    tables: dict[str, Rows] = {}  # noqa: RUF012 (read only)
    text: str | None = None
    json: Any = None
    animation: Callable[[IO[bytes]], Any] | None = None


class Figure(ABC):
    """The base class of all figures; a subclass has one module and one YAML file.

    Attributes:
        name: The name of the output files, without a suffix.
        command: The command that trains runs for the figure, shown when no run can be used.
        conditional_runs: Whether the figure shows runs of conditional models, whose numbers are bounds of log p(x|y) and
            whose images depend on labels; other figures leave them out.
    """

    name: str
    command: str
    conditional_runs: bool = False

    @abstractmethod
    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return those of the finished runs that the figure can be drawn from.

        Args:
            runs: All finished runs of the folder.

        Returns:
            The usable runs; an empty list if there are none.
        """

    @abstractmethod
    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose the figure from its runs.

        Args:
            runs: The runs that `wanted` returned, at least one.
            trusted: User modules that the configs of the runs may name.

        Returns:
            The numbers, the picture and the text.
        """

    def draw(self, runs: Path, output_dir: Path, trusted: tuple[str, ...] = ()) -> list[Path]:
        """Write <name>.pdf, <name>.png, <name>.csv and more; each file is written whole or not at all.

        Args:
            runs: A folder of run directories.
            output_dir: The folder for the files.
            trusted: User modules that the configs of the runs may name.

        Returns:
            The paths of the files that were written.

        Raises:
            UserError: If there is no such folder, or none of the runs can be used.
        """
        if not os.path.isdir(runs):
            raise UserError(
                f"runs={runs}: no such folder; allowed: a folder with runs, as outputs/runs, where aevb-train "
                f"makes them; try: {self.command}"
            )
        remove_leftovers(output_dir)  # left by a command that was killed while drawing
        loaded, unreadable = readable(KeptRun(run.directory) for run in finished(runs))
        for directory, why in unreadable.items():
            print(printable(f"{directory}: left out: {why}"), file=sys.stderr)
        wanted = self.wanted([run for run in loaded if self.conditional_runs or "num_classes" not in run.done])
        if not wanted:
            what = f"none of the {len(loaded)} finished runs serves" if loaded else "no finished runs"
            raise UserError(f"runs={runs}: {what}, nothing to draw {self.name} from; try: {self.command}")
        add_bundled_fonts()
        with matplotlib.rc_context(RC):  # type: ignore[arg-type]
            drawing = self.compose(wanted, trusted)
            return self._write(drawing, output_dir)

    def _write(self, drawing: Drawing, output_dir: Path) -> list[Path]:
        paths = []
        if drawing.canvas is not None:
            _check_texts(drawing.canvas)
            for suffix, metadata in METADATA.items():
                path = output_dir / f"{self.name}.{suffix}"
                write_atomically(path, partial(drawing.canvas.savefig, format=suffix, metadata=metadata))
                paths.append(path)
        if drawing.animation is not None:
            path = output_dir / f"{self.name}.gif"
            write_atomically(path, drawing.animation)
            paths.append(path)
        for word, rows in {"": drawing.rows, **drawing.tables}.items():
            path = output_dir / f"{self.name}{'-' if word else ''}{word}.csv"
            write_text(path, without_controls(csv_text(rows)))
            paths.append(path)
        if drawing.text is not None:
            path = output_dir / f"{self.name}.md"
            write_text(path, without_controls(drawing.text))
            paths.append(path)
        if drawing.json is not None:
            path = output_dir / f"{self.name}.json"
            write_json(path, drawing.json)
            paths.append(path)
        return paths


def _check_texts(canvas: Canvas) -> None:
    # The name of a run may hold dollar signs that are no formula, or control characters.
    parser = MathTextParser("path")
    for item in canvas.findobj(Text):
        assert isinstance(item, Text)
        words = item.get_text()
        if (plain := printable(words, newlines=True)) != words:
            item.set_text(plain)
        if "$" in plain:
            try:
                for line in plain.splitlines():
                    parser.parse(line)
            except ValueError:
                item.set_parse_math(False)


def csv_text(rows: Rows) -> str:
    """Format rows as CSV.

    Args:
        rows: One dictionary per line, or `CsvLines`; the columns are in the order of first appearance.

    Returns:
        The text; floats are written without loss of precision, None and nan as empty fields.
    """
    columns = list(dict.fromkeys(chain.from_iterable(rows)))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        if isinstance(row, CsvLines):
            text.write(_lines(row, columns))
        else:
            writer.writerow(["" if value is None or value != value else value for value in map(row.get, columns)])
    return text.getvalue()


def _lines(block: CsvLines, columns: list[str]) -> str:
    # What is repeated is formatted once.
    cells = [_cells(value) if isinstance(value, list) else repeat(_cell(value)) for value in map(block.get, columns)]
    return "".join([f"{','.join(line)}\n" for line in zip(*cells, strict=False)])


def _cells(values: list[Any]) -> list[str]:
    if set(map(type, values)) <= {float, int}:
        return ["" if value != value else repr(value) for value in values]
    return list(map(_cell, values))


def _cell(value: Any) -> str:
    if value is None or value != value:
        return ""
    if type(value) in (float, int):
        return repr(value)
    if type(value) is str and PLAIN.fullmatch(value):
        return value
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([value, ""])
    return text.getvalue().removesuffix(",\n")


def markdown_table(rows: Rows) -> str:
    """Format rows as a Markdown table.

    Args:
        rows: At least one row; the values are already formatted as text.

    Returns:
        The table, one line per row after the header. A bar or a line break within a cell is escaped.
    """
    columns = list(rows[0])
    cells = [columns, *([row[column] for column in columns] for row in rows)]
    head, *lines = [[printable(cell).replace("|", "\\|") for cell in line] for line in cells]
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, ["---"] * len(columns), *lines))
