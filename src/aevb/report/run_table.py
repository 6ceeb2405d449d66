"""The table of all runs: settings that differ, progress, and every final value, as numbers that the page can sort."""

import math
from collections import defaultdict
from typing import Any, NamedTuple

from aevb.data.target_convention import log_px_of
from aevb.report.differing import ABSENT, Differing, is_number
from aevb.report.quantities import in_words, texts
from aevb.report.records import RunRecord
from aevb.runs.likelihood import stated_likelihood
from aevb.runs.units import unit

__all__ = ["Cell", "Column", "RunTable", "run_table"]


FIRST_SETTINGS = 6
LONG = 20  # characters of a value that is no good example
COMPARABLE = ("data", "data.targets", "data.dequantise", "data.path")
HIGHER_IS_BETTER = ("bound", "log_px")


class Column(NamedTuple):
    """A column of the table of runs.

    Attributes:
        key: The dotted key of a setting, or the name of a value.
        title: The heading.
        numeric: Whether it is sorted by number.
        kind: setting, value, progress or extra.
    """

    key: str
    title: str
    numeric: bool
    kind: str


class Cell(NamedTuple):
    """A cell of the table of runs.

    Attributes:
        text: The text that is shown.
        value: The number in full, by which it is sorted; None for text.
        error: Its standard error; None if it has none.
        best: Whether it is the highest of the runs that it can be compared with.
        is_state: Whether the text is the state of the run.
    """

    text: str
    value: float | int | None = None
    error: float | None = None
    best: bool = False
    is_state: bool = False

    @property
    def is_exact(self) -> bool:
        """Whether the text is the number in full, so that the page need not hold it twice."""
        try:
            return self.value is not None and float(self.text.replace(",", "")) == self.value
        except ValueError:
            return False


class RunTable(NamedTuple):
    """The table of runs.

    Attributes:
        columns: The columns after the name of the run: those of `kind` extra at the end, before them the settings that a
            print leaves out.
        rows: The cells of every run.
        printed: The number of columns that a print shows, with the name of the run.
        shown: The number of columns that the page shows before all are asked for, with the name of the run.
    """

    columns: list[Column]
    rows: list[list[Cell]]
    printed: int
    shown: int

    @property
    def example(self) -> str:
        """Conditions for the filter that a run fulfils, of a setting and a final value; empty if there is neither."""
        example = ""
        for cells in self.rows:
            conditions = _conditions(self.columns, cells)
            if len(conditions) == 2:
                return " ".join(conditions)
            example = example or " ".join(conditions)
        return example


def _conditions(columns: list[Column], cells: list[Cell]) -> list[str]:
    named = list(zip(columns, cells, strict=True))
    equal = [
        f"{column.key}={cell.text}"
        for column, cell in named
        if column.kind == "setting" and cell.text.isprintable() and " " not in cell.text and 0 < len(cell.text) < LONG
    ]
    above = [
        f"{column.key.rpartition(' ')[2]}>{math.floor(cell.value)}"
        for column, cell in named
        if column.kind == "value" and cell.value is not None and math.isfinite(cell.value)
    ]
    return equal[:1] + above[:1]


def run_table(records: list[RunRecord], differing: list[Differing]) -> RunTable:
    """Build the table.

    Args:
        records: The runs.
        differing: The settings that differ between them.

    Returns:
        Columns and cells; a run that lacks a value has an empty cell.
    """
    settings = [Column(item.key, item.key, all(map(is_number, item.values)), "setting") for item in differing]
    progress = [
        Column("state", "state", False, "progress"),
        Column("samples_seen", "samples seen", True, "progress"),
    ]
    budget = Column("max_samples", "budget", True, "extra")
    final = [_values(record) for record in records]
    keys = list(dict.fromkeys(key for values in final for key in values))
    primary = {f"{item.stem} {item.facts.get('quantity')}" for record in records for item in record.evaluations_read}
    kinds = {key: "value" if key in primary or " " not in key else "extra" for key in keys}
    finals = [Column(key, _title(key), True, kinds[key]) for key in sorted(keys, key=lambda key: kinds[key] != "value")]
    times = [
        Column("seconds", "seconds", True, "progress"),
        Column("samples_per_second", "samples/s", True, "progress"),
    ]
    main, extra = [[item for item in finals if (item.kind == "extra") == is_extra] for is_extra in (False, True)]
    first, rest = settings[:FIRST_SETTINGS], settings[FIRST_SETTINGS:]  # the results stay near the run's name
    printed = [*progress[:1], *first, *main, *progress[1:], *times]
    columns = [*printed, *rest, budget, *extra]
    units = {
        f"{item.stem} {name}": unit(str(item.facts.get("name")), name)
        for record in records
        for item in record.evaluations_read
        for name in item.values
    }
    rows = [_row(record, values, columns, units) for record, values in zip(records, final, strict=True)]
    for index, column in enumerate(columns):
        if column in main and column.key.rpartition(" ")[2] in HIGHER_IS_BETTER:
            _name_the_best(records, rows, index)
    return RunTable(columns, rows, 1 + len(printed), 1 + len(printed) + len(rest))


def _name_the_best(records: list[RunRecord], rows: list[list[Cell]], index: int) -> None:
    # The highest value of those that can be compared: of the same data with the same targets, all masses or all densities.
    groups: dict[tuple[str | bool | None, ...], list[int]] = defaultdict(list)
    for at, record in enumerate(records):
        if record.flat and rows[at][index].value is not None:
            quantity = log_px_of(record.settings)
            likelihood = stated_likelihood(record.settings) or record.flat.get("model.decoder._target_")
            groups[*(record.flat.get(key) for key in COMPARABLE), likelihood, quantity].append(at)
    for members in groups.values():
        if len(members) > 1:
            best = max(members, key=lambda at: rows[at][index].value or -math.inf)
            rows[best][index] = rows[best][index]._replace(best=True)


def _row(
    record: RunRecord, values: dict[str, tuple[float, float]], columns: list[Column], units: dict[str, str]
) -> list[Cell]:
    flat, row = record.flat, record.row
    seconds = record.facts.get("training_seconds")
    seconds = float(seconds) if isinstance(seconds, int | float) and seconds > 0 else None
    known = {
        "state": Cell(row.state, is_state=True),
        "samples_seen": Cell(f"{row.samples_seen:,}", row.samples_seen),
        "max_samples": Cell(f"{row.max_samples:,}", row.max_samples),
        "seconds": Cell(f"{seconds:,.1f}", seconds) if seconds else Cell(""),
        "samples_per_second": Cell(f"{row.samples_seen / seconds:,.0f}", row.samples_seen / seconds)
        if seconds
        else Cell(""),
    }
    cells = []
    for column in columns:
        if column.kind == "setting":
            text = flat.get(column.key, ABSENT) if flat else ""
            cells.append(Cell(text, _number(text) if column.numeric and text else None))
        elif column.key in known:
            cells.append(known[column.key])
        else:
            mean, error = values.get(column.key, (math.nan, math.nan))
            if math.isnan(mean):
                cells.append(Cell(""))
            else:
                shown, shown_error = texts(mean, error, units.get(column.key, "nats"))
                has_error = math.isfinite(error)
                cells.append(
                    Cell(f"{shown} ± {shown_error}" if has_error else shown, mean, error if has_error else None)
                )
    return cells


def _number(text: str) -> float | int:
    return int(text) if text.lstrip("-").isdecimal() else float(text)


def _values(record: RunRecord) -> dict[str, tuple[float, float]]:
    """Final values with standard errors; of a run without evaluations, the last line of metrics.csv."""
    values = {f"{item.stem} {name}": value for item in record.evaluations_read for name, value in item.values.items()}
    last = record.last_line
    values |= {
        f"last_{name}": (float(last[name]), math.nan) for name in ("train_bound", "test_bound") if last.get(name)
    }
    return values


def _title(key: str) -> str:
    if key.startswith("last_"):
        return f"last {key.removeprefix('last_').replace('_', ' ')}"
    stem, _, name = key.partition(" ")
    return f"{in_words(name)} ({stem})"


def plain(cell: Cell) -> Any:
    """Return what a CSV file holds of a cell: the number in full, or the text.

    Args:
        cell: The cell.
    """
    return cell.text if cell.value is None else cell.value
