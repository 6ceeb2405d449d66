"""How far a run has come: its evaluation points, and progress.json between two of them, for `aevb-status`.

A run is evaluated at the absolute sample counts 1, 2, 3, 5 x 10^k. The process that trains writes progress.json every few
seconds; marking the run as done removes it. Nothing reads it to decide anything: a run is resumed from its checkpoint. So it
is replaced as a whole but not synced, and one that cannot be read counts as none.
"""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from aevb.errors import UserError
from aevb.files.atomic import temporary
from aevb.runs import layout
from aevb.runs.records import read_progress

__all__ = [
    "Progress",
    "check_is_not_behind",
    "is_evaluation_point",
    "is_former_end",
    "load_progress",
    "next_evaluation_point",
    "write_progress",
]


def next_evaluation_point(samples_seen: int, every: int | None = None) -> int:
    """Return the next evaluation point: 1, 2, 3 or 5 x 10^k, or a multiple of `every`.

    Args:
        samples_seen: The training samples seen so far.
        every: If given, its multiples are evaluation points too.
    """
    scale = 10 ** max(0, len(str(samples_seen)) - 1)
    point = next(point for point in (scale, 2 * scale, 3 * scale, 5 * scale, 10 * scale) if point > samples_seen)
    return point if every is None else min(point, (samples_seen // every + 1) * every)


def is_evaluation_point(before: int, after: int, every: int | None = None) -> bool:
    """Return whether an evaluation point lies in (before, after].

    Training advances by whole rounds, so it may pass a point.

    Args:
        before: samples_seen before.
        after: samples_seen after.
        every: If given, its multiples are evaluation points too.
    """
    return next_evaluation_point(before, every) <= after


def is_former_end(samples_seen: int, round_samples: int, first: int, every: int | None = None) -> bool:
    """Return whether the last record of a run is that of the end of a shorter run, which a longer one does not have.

    Only the last record can be one: a run that is extended drops it before it continues.

    Args:
        samples_seen: The training samples of the last record.
        round_samples: Training samples of one round.
        first: Evaluation points before this number of samples are skipped.
        every: If given, its multiples are evaluation points too.
    """
    return samples_seen < first or not is_evaluation_point(samples_seen - round_samples, samples_seen, every)


@dataclass(frozen=True)
class Progress:
    """How far a run has come.

    Attributes:
        samples_seen: Training samples so far.
        saved_samples: Training samples of the last checkpoint on disk, from which the run would be resumed.
        train_bound: Running mean of the training bound, in nats; None for an objective without one.
        samples_per_second: Rate over the last half minute, evaluations included; None at the start.
    """

    samples_seen: int
    saved_samples: int = 0
    train_bound: float | None = None
    samples_per_second: float | None = None


def write_progress(run: Path, progress: Progress) -> None:
    """Write progress.json; a disk that refuses is no reason to end a run, and is ignored.

    Args:
        run: The run directory.
        progress: What to write.
    """
    path = run / layout.PROGRESS
    staged = temporary(path)
    with suppress(OSError):
        staged.unlink(missing_ok=True)
        with staged.open("x", encoding="utf-8") as file:  # "x": never through a link that someone left there
            json.dump(asdict(progress), file)
        os.replace(staged, path)


def load_progress(run: Path) -> Progress | None:
    """Read progress.json.

    Args:
        run: The run directory.

    Returns:
        What it says; None if there is none, or if it cannot be read.
    """
    try:
        record = read_progress(run)
    except (OSError, UserError):
        return None
    return Progress(**{field.name: record[field.name] for field in fields(Progress) if field.name in record})


def check_is_not_behind(run: Path, max_samples: int) -> None:
    """Refuse to end an unfinished run before the point that it has saved.

    Args:
        run: The run directory.
        max_samples: The training samples that are asked for.

    Raises:
        UserError: If the run has been trained for longer, so that its numbers would be those of more samples.
    """
    progress = load_progress(run)
    if progress is not None and progress.saved_samples > max_samples:
        seen = progress.saved_samples
        raise UserError(
            f"max_samples={max_samples}: {run} has seen {seen:,} samples already; allowed: an integer >= {seen}; "
            f"try: max_samples={seen}, or another name="
        )
