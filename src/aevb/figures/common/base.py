"""A figure is drawn from finished runs and leaves, beside the picture, every number in it with where it came from."""

import csv
import io
import logging
import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

import matplotlib
from matplotlib.figure import Figure as Canvas

from aevb.console.printable import printable
from aevb.errors import UserError
from aevb.figures.common.style import RC
from aevb.files.atomic import remove_leftovers, write_atomically, write_json, write_text
from aevb.runs.readable import readable
from aevb.runs.run import Run, finished

__all__ = ["Drawing", "Figure", "csv_text", "markdown_table"]

Rows = Sequence[dict[str, Any]]

METADATA = {"pdf": {"CreationDate": None}, "png": {"Software": None}}  # the same runs give the same bytes

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells at length what it does to the PDF's fonts


class Drawing(NamedTuple):
    """rows: the numbers, one dictionary a line of the CSV. canvas: the picture, if there is one. tables: further CSVs by the word
    added to their name. text: Markdown to go with it (a caption, a table). json: the same for programs, if there is to be any.
    animation: writes a GIF."""

    rows: Rows
    canvas: Canvas | None = None
    tables: dict[str, Rows] = {}  # noqa: RUF012 (read only)
    text: str | None = None
    json: Any = None
    animation: Callable[[IO[bytes]], Any] | None = None


class Figure(ABC):
    """Base of all figures; a subclass is one file and one YAML.

    name: of the files. command: what makes the runs that it is drawn from.
    """

    name: str
    command: str

    @abstractmethod
    def wanted(self, runs: list[Run]) -> list[Run]:
        """Those of the finished runs that the figure can be drawn from."""

    @abstractmethod
    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """The figure from its runs, at least one. trusted: users' modules that their configs may name."""

    def draw(self, runs: Path, output_dir: Path, trusted: tuple[str, ...] = ()) -> list[Path]:
        """Writes <name>.pdf, .png and .csv (and what goes with them) into `output_dir`, each file whole or not at all.

        runs: a folder of run directories. trusted: users' modules that their configs may name. Returns the files. Raises
        UserError if none of the runs serve.
        """
        remove_leftovers(output_dir)  # of a command that was killed while it drew
        found, unreadable = readable(finished(runs))
        for directory, why in unreadable.items():
            print(printable(f"{directory}: left out: {why}"), file=sys.stderr)
        wanted = self.wanted(found)
        if not wanted:
            what = f"none of the {len(found)} finished runs serves" if found else "no finished runs"
            raise UserError(f"runs={runs}: {what}, nothing to draw {self.name} from; try: {self.command}")
        with matplotlib.rc_context(RC):  # type: ignore[arg-type]
            drawing = self.compose(wanted, trusted)
            return self._write(drawing, output_dir)

    def _write(self, drawing: Drawing, output_dir: Path) -> list[Path]:
        paths = []
        if drawing.canvas is not None:
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
            write_text(path, csv_text(rows))
            paths.append(path)
        if drawing.text is not None:
            path = output_dir / f"{self.name}.md"
            write_text(path, drawing.text)
            paths.append(path)
        if drawing.json is not None:
            path = output_dir / f"{self.name}.json"
            write_json(path, drawing.json)
            paths.append(path)
        return paths


def csv_text(rows: Rows) -> str:
    """Rows as CSV; columns in order of appearance, floats as they read back, None and nan empty."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: "" if _absent(value) else value for key, value in row.items()} for row in rows)
    return text.getvalue()


def markdown_table(rows: Rows) -> str:
    """Rows, already formatted as text, as a Markdown table."""
    columns = list(rows[0])
    lines = [columns, ["---"] * len(columns), *([str(row[column]) for column in columns] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
