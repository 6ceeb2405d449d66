"""The table of all runs in a folder: settings that differ, progress and final numbers, one row for each run."""

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aevb.api.frames import frame
from aevb.errors import UserError
from aevb.report.differing import differing_settings, flat_settings
from aevb.report.records import RunRecord, read_record
from aevb.report.run_table import Cell, Column, run_table
from aevb.runs.status import rows_of

if TYPE_CHECKING:
    import pandas

__all__ = ["table"]


def table(folder: str | PathLike[str] = "outputs/runs") -> "pandas.DataFrame":
    """Return the runs at or below a folder as a table.

    Args:
        folder: The folder.

    Returns:
        A row for each run, finished or not, with the name of its folder as the index. Columns: `state`; a column for each
        setting that differs between the runs (`latent_dim`, `optimizer.lr`, ...); the final numbers, as
        `importance-test-k50 log_px`, nats, each followed by its standard error; `samples_seen`, `max_samples`, `seconds` of
        training, `samples_per_second`; `why`, the reason if a run is not done or cannot be read, and None otherwise;
        `directory`.

    Raises:
        UserError: If `folder` is no path, if there is no run, or pandas is not installed.
    """
    if not isinstance(folder, str | PathLike):
        raise UserError(f"folder={folder!r}: no path; allowed: a folder with runs; try: folder='outputs/runs'")
    records = [read_record(row) for row in rows_of(Path(folder))]
    differing = differing_settings([flat for record in records if (flat := flat_settings(record.settings))])
    shown = run_table(records, differing)
    columns: dict[str, list[Any]] = {}
    for number, column in enumerate(shown.columns):
        cells = [row[number] for row in shown.rows]
        columns[column.key] = [_value(cell, column) for cell in cells]
        if any(cell.error is not None for cell in cells):
            columns[f"{column.key} standard error"] = [cell.error for cell in cells]
    columns["why"] = [_why(record) for record in records]
    columns["directory"] = [str(record.directory) for record in records]
    return frame(columns, index=[record.name for record in records])


def _value(cell: Cell, column: Column) -> Any:
    if column.kind == "setting" and cell.text.lstrip("-").isdigit():
        return int(cell.text)
    if cell.value is not None:
        return cell.value
    return None if column.numeric else cell.text


def _why(record: RunRecord) -> str | None:
    return record.row.why or "; ".join(record.faults) or None  # pandas counts None as missing, and "" as a value
