"""What a search ends with: its trials as a table, the report of its runs, and the best command."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from aevb.cli.sweep import PlannedRun
from aevb.cli.sweep_report import print_report
from aevb.cli.tables import plain_columns
from aevb.console.printable import printable
from aevb.execution.worker_command import trust_flags
from aevb.runs.status import row

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

__all__ = ["print_trials"]

STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "running", "WAITING": "waiting"}


def print_trials(
    study: "Study", objective: str, plan: PlannedRun, fixed: Sequence[str], trusted: tuple[str, ...]
) -> None:
    """Print all trials of a study, write the report of their runs, and print the best trial as a command.

    Args:
        study: The study.
        objective: Column of metrics.csv.
        plan: One of its runs, for what all of them share.
        fixed: Overrides of every trial.
        trusted: Users' modules that its configs may name.
    """
    trials = study.get_trials(deepcopy=False)
    cells = [["trial", "state", objective, "point", "run", "why"], *map(_cells, trials)]
    print("\n".join(plain_columns(cells)))
    points = {
        trial.user_attrs["run"]: " ".join(trial.user_attrs["overrides"])
        for trial in trials
        if "run" in trial.user_attrs
    }
    settings = {**plan.settings, "choices": {**plan.settings.get("choices", {}), "experiment": study.study_name}}
    rows = [row(Path(directory), plan.max_samples, point) for directory, point in points.items()]
    if rows:
        print_report([replace(plan, settings=settings)], rows)
    storage = f"optuna-dashboard sqlite:///{plan.directory.parent.parent / 'optuna.db'}"
    if not any(trial.state.name == "COMPLETE" for trial in trials):
        print(
            f"best: none, for no trial is complete; try: another search space, or a larger hydra.sweeper.n_trials\n{storage}"
        )
        return
    best = study.best_trial
    words = [word for word in fixed if not word.startswith("hydra")]
    command = shlex.join(["aevb-train", *trust_flags(trusted), *words, *best.user_attrs["overrides"]])
    print(f"best: trial {best.number}, {objective} {best.value:.4f}: {' '.join(best.user_attrs['overrides'])}")
    print(f"    {command}")
    print(storage, flush=True)


def _cells(trial: "FrozenTrial") -> list[str]:
    attributes = trial.user_attrs
    value = "" if trial.state.name != "COMPLETE" or trial.value is None else f"{trial.value:.4f}"
    if not value and trial.intermediate_values:
        value = f"({trial.intermediate_values[max(trial.intermediate_values)]:.4f})"
    why = f"repeats trial {attributes['repeats']}" if "repeats" in attributes else attributes.get("ended", "")
    name = Path(attributes.get("run", "")).name
    return [
        str(trial.number),
        STATES[trial.state.name],
        value,
        *map(printable, (" ".join(attributes.get("overrides", [])), name, why)),
    ]
