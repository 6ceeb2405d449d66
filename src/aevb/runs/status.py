"""How far runs have come, as a table: done, running, partial, failed, missing. Read from run directories, without torch."""

import csv
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from yaml import YAMLError

from aevb.errors import UserError
from aevb.runs.lock import is_locked
from aevb.runs.run import read_settings, state

__all__ = ["Row", "failure_reason", "found", "row"]


@dataclass(frozen=True)
class Row:
    """One run.

    point: of the sweep it belongs to, if known. samples_seen: by its metrics. max_samples: its budget. why: it is not done.
    """

    run: str
    state: Literal["done", "running", "partial", "failed", "missing"]
    samples_seen: int = 0
    max_samples: int = 0
    why: str = ""
    point: str = ""


def found(runs: Path) -> list[Row]:
    """Every run at or below `runs`, by path; raises UserError if there is none."""
    directories = sorted(path.parent for path in runs.rglob("config.yaml"))
    if not directories:
        reason = "no runs in it" if runs.is_dir() else "no such folder"
        raise UserError(
            f"{runs}: {reason}; allowed: a folder with runs; try: aevb-train, which makes them in outputs/runs"
        )
    return [row(directory) for directory in directories]


def row(directory: Path, max_samples: int | None = None, point: str = "", why: str = "") -> Row:
    """How far the run in `directory` has come.

    max_samples: what is wanted of it, if more than its own config says. why: of an end that has left no FAILED.
    """
    before = state(directory)
    if before == "missing":
        return Row(str(directory), "missing", 0, max_samples or 0, why, point)
    try:
        budget = int(read_settings(directory)["max_samples"])
        seen = _samples_seen(directory)
    except (UserError, YAMLError, KeyError, ValueError, TypeError, OSError) as error:
        return Row(str(directory), "failed", 0, max_samples or 0, " ".join(f"damaged: {error}".split()), point)
    wanted = max_samples or budget
    if is_locked(directory):
        return Row(str(directory), "running", seen, wanted, "", point)
    if before == "done":
        short = seen < wanted
        return Row(str(directory), "partial" if short else "done", seen, wanted, why if short else "", point)
    if before == "failed":
        why = failure_reason(directory) or why
    return Row(str(directory), before, seen, wanted, why, point)


def _samples_seen(directory: Path) -> int:
    if (directory / "DONE").is_file():
        return int(json.loads((directory / "DONE").read_text())["samples_seen"])
    with suppress(FileNotFoundError), (directory / "metrics.csv").open(newline="") as file:
        return max((int(line["samples_seen"]) for line in csv.DictReader(file)), default=0)
    return 0


def failure_reason(directory: Path) -> str:
    """The last line of FAILED, which says why the run in `directory` did; empty where there is none."""
    try:
        text = (directory / "FAILED").read_text(errors="replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("aevb.errors.UserError: ") if lines else ""
