"""How far runs have come, as a table: done, running, partial, diverged, failed, missing. Read from run directories, without torch."""

import math
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from aevb.errors import UserError
from aevb.files.regular import read_tail
from aevb.runs import layout
from aevb.runs.csv_table import CLOCK, read_rows
from aevb.runs.lock import is_locked
from aevb.runs.progress import load_progress
from aevb.runs.pruned import pruned_by
from aevb.runs.records import read_done
from aevb.runs.run import State, state
from aevb.runs.settings import read_settings
from aevb.runs.walk import run_directories

__all__ = [
    "ReadRun",
    "Row",
    "directories",
    "failure_reason",
    "has_diverged",
    "read_run",
    "row",
    "rows_of",
    "with_bound",
]

DIVERGED = "aevb.training.divergence.Diverged: "
ERROR_CLASS = re.compile(r"^aevb(\.\w+)+: ")  # as a traceback writes the class of an error of aevb
LONGEST_REASON = 2000  # characters
NOT_BEGUN = "nothing is saved yet; training begins at 0"
TAIL = 1 << 16  # bytes of FAILED that are read


@dataclass(frozen=True)
class Row:
    """One run.

    Attributes:
        run: The run directory.
        state: What it has come to.
        samples_seen: Samples trained on, by its records.
        max_samples: Its budget, in samples.
        why: Why it is not done, or cannot be read; what is wrong with one that is done.
        point: The overrides of the sweep that it belongs to, if they are known.
        train_bound: The last training bound that is known, in nats, of a run that is not done.
        samples_per_second: The rate of a run that is trained now.
    """

    run: str
    state: Literal["done", "running", "partial", "diverged", "failed", "missing"]
    samples_seen: int = 0
    max_samples: int = 0
    why: str = ""
    point: str = ""
    train_bound: float | None = None
    samples_per_second: float | None = None


class ReadRun(NamedTuple):
    """A row with the records that it comes from, so that they are read once.

    Attributes:
        row: The row.
        done: What DONE says; None if the run has none, or it cannot be read.
        settings: The config; None if it cannot be read.
    """

    row: Row
    done: dict[str, Any] | None = None
    settings: dict[str, Any] | None = None


def rows_of(runs: Path) -> list[Row]:
    """Return a row for every run at or below a folder, sorted by path.

    Args:
        runs: The folder.

    Raises:
        UserError: There is none.
    """
    return [row(directory) for directory in directories(runs)]


def directories(runs: Path) -> list[Path]:
    """Return the run directories at or below a folder, sorted by path.

    Args:
        runs: The folder.

    Raises:
        UserError: There is none.
    """
    paths = run_directories(runs)
    if not paths:
        reason = "no runs in it" if os.path.isdir(runs) else "no such folder"
        raise UserError(
            f"{runs}: {reason}; allowed: a folder with runs; try: aevb-train, which makes them in outputs/runs"
        )
    return paths


def row(directory: Path, max_samples: int | None = None, point: str = "", why: str = "") -> Row:
    """Return how far a run has come; one that cannot be read is a row that says why.

    Args:
        directory: The run directory.
        max_samples: The budget that is wanted, if it is not that of the run's own config.
        point: The overrides of the sweep that it belongs to.
        why: The reason of an end that has left no FAILED.
    """
    return read_run(directory, max_samples, point, why).row


def read_run(directory: Path, max_samples: int | None = None, point: str = "", why: str = "") -> ReadRun:
    """Return a run's `row` with the records that it comes from.

    Args:
        directory: The run directory.
        max_samples: As of `row`.
        point: As of `row`.
        why: As of `row`.
    """
    before = state(directory)
    if before == "missing":
        return ReadRun(Row(str(directory), "missing", 0, max_samples or 0, why, point))
    try:
        done = read_done(directory) if before == "done" else None
        settings = read_settings(directory, done)
        seen, bound = _last_point(directory) if done is None else (int(done[CLOCK]), None)
    except (UserError, OSError) as error:
        damage = " ".join(f"damaged: {error}".split())
        return ReadRun(Row(str(directory), "failed", 0, max_samples or 0, damage, point))
    wanted = max_samples or int(settings["max_samples"])
    return ReadRun(_row(directory, before, done, wanted, seen, bound, point, why), done, settings)


def _row(
    directory: Path,
    before: State,
    done: dict[str, Any] | None,
    wanted: int,
    seen: int,
    bound: float | None,
    point: str,
    why: str,
) -> Row:
    progress = load_progress(directory) if done is None else None
    if is_locked(directory):
        if progress is None:
            return Row(str(directory), "running", seen, wanted, "", point, bound)
        seen, bound = max(seen, progress.samples_seen), bound if progress.train_bound is None else progress.train_bound
        return Row(str(directory), "running", seen, wanted, "", point, bound, progress.samples_per_second)
    if before == "done":
        short = seen < wanted and not (done or {}).get("stopped_early")
        why = (why or f"done with {seen:,} samples, not extended yet") if short else (done or {}).get("warning", "")
        return Row(str(directory), "partial" if short else "done", seen, wanted, why, point)
    if progress is not None:  # what the run would be resumed from
        seen = max(seen, progress.saved_samples)
    if before == "failed":
        why = failure_reason(directory) or why
        if has_diverged(directory):
            return Row(str(directory), "diverged", seen, wanted, why, point, bound)
    why = why or pruned_by(directory) or (NOT_BEGUN if before == "partial" and seen == 0 else "")
    return Row(str(directory), before, seen, wanted, why, point, bound)


def with_bound(item: Row) -> Row:
    """Return a row with the last training bound in metrics.csv, if it has none (a finished run has none; see `Row`).

    Args:
        item: The row.
    """
    if item.train_bound is not None or item.state != "done":
        return item
    try:
        return replace(item, train_bound=_last_point(Path(item.run))[1])
    except (UserError, OSError):
        return item  # the bound is only shown


def _last_point(directory: Path) -> tuple[int, float | None]:
    # Samples seen and training bound of the last row of metrics.csv.
    try:
        rows = read_rows(directory / layout.METRICS)
    except FileNotFoundError:
        return 0, None
    if not rows:
        return 0, None
    last = max(rows, key=lambda line: int(line[CLOCK]))
    bound = float(last.get("train_bound") or "nan")
    return int(last[CLOCK]), bound if math.isfinite(bound) else None


def has_diverged(directory: Path) -> bool:
    """Return whether the run in `directory` ended because training diverged, which is a result and not a fault.

    Args:
        directory: The run directory.

    Returns:
        True if it diverged.
    """
    return state(directory) == "failed" and _last_line(directory).startswith(DIVERGED)


def failure_reason(directory: Path) -> str:
    """Return the last line of FAILED, which states the error; empty if there is none.

    Args:
        directory: The run directory.
    """
    return ERROR_CLASS.sub("", _last_line(directory), count=1)


def _last_line(directory: Path) -> str:
    try:
        text = read_tail(directory / layout.FAILED, TAIL)
    except OSError:
        return ""
    except UserError as error:
        return str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:LONGEST_REASON] if lines else ""
