"""The objective of a search, read from the files of a run: at each evaluation point, and at the end."""

import math
from pathlib import Path
from typing import Any

from aevb.errors import UserError
from aevb.runs import layout
from aevb.runs.csv_table import CLOCK, read_rows
from aevb.runs.evaluation_record import read_evaluation
from aevb.runs.progress import next_evaluation_point
from aevb.runs.run import Run

__all__ = ["final_value", "intermediate_values"]


def intermediate_values(directory: Path, objective: str, every: int | None) -> dict[int, float]:
    """Return the objective at the evaluation points that a run has passed.

    Runs of different minibatches pass an evaluation point at different samples_seen, so the values are listed by the
    evaluation point itself.

    Args:
        directory: The run directory.
        objective: Column of metrics.csv.
        every: `evaluation.every` of the run.

    Returns:
        Evaluation point, in training samples -> value, in nats; points without a finite value are left out.
    """
    try:
        rows = read_rows(directory / layout.METRICS)
    except FileNotFoundError:
        return {}
    values, last = {}, 0
    for row in rows:
        point = last
        while (following := next_evaluation_point(point, every)) <= int(row[CLOCK]):
            point = following
        value = float(row.get(objective) or "nan")
        if point > last and math.isfinite(value):  # else the end of a budget that is no evaluation point
            values[point] = value
        last = point
    return values


def final_value(directory: Path, objective: str, trusted: tuple[str, ...]) -> float:
    """Return the objective of a finished run.

    A run that was trained without evaluations of the validation split is evaluated on it now.

    Args:
        directory: The run directory.
        objective: Column of metrics.csv.
        trusted: Users' modules that its config may name.

    Returns:
        The value, in nats; nan if the run has none.
    """
    rows = read_rows(directory / layout.METRICS)
    if rows and rows[-1].get(objective):
        return float(rows[-1][objective])
    if objective != "valid_bound":
        return math.nan
    run = Run(directory)
    bound: dict[str, Any] = {"bound": run.settings["evaluator"].get("bound") or {}}
    if not bound["bound"]:
        raise UserError(f"{directory}: was trained without evaluator=bound; try: remove that folder")
    from aevb.evaluation.evaluate_run import evaluate_run  # imports torch

    threads = run.settings["trainer"]["threads"]
    (file,) = evaluate_run(
        directory, bound, ["valid"], seed=run.settings["seed"], threads=threads, trusted=trusted, print_table=False
    )
    return float(read_evaluation(file)["values"]["bound"]["mean"])
