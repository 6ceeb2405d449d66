"""The table of the hours that the committed runs took."""

import json
from collections import defaultdict
from typing import Any, NamedTuple

import yaml

from sitegen.markdown import table
from sitegen.repository import REPOSITORY
from sitegen.results import DATA

__all__ = ["hours_table"]

METHODS = {"sgvb_b": "AEVB", "wake_sleep": "wake-sleep", "mcem": "Monte Carlo EM"}
FIGURE_3_UNITS = 100
"""Hidden units of the networks of Figure 3; those of Figure 2 have 500 on MNIST and 200 on Frey Face."""


class _Run(NamedTuple):
    group: tuple[str, str]
    samples: int
    training: float
    evaluation: float


def hours_table() -> str:
    """Return the table, a line for each figure and method."""
    groups = defaultdict[tuple[str, str], list[_Run]](list)
    for folder in sorted((REPOSITORY / "results" / "runs").iterdir()):
        run = _read(
            yaml.load((folder / "config.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader),
            json.loads((folder / "DONE").read_text(encoding="utf-8")),
        )
        groups[run.group].append(run)
    lines = [_cells(*group, runs) for group, runs in sorted(groups.items())]
    every = [run for runs in groups.values() for run in runs]
    header = ("figure", "method", "runs", "samples", "longest", "hours of training", "of evaluation")
    return table(header, [*lines, _cells("all", "", every)], "llrrrrr")


def _read(settings: dict[str, Any], done: dict[str, Any]) -> _Run:
    data, objective = settings["choices"]["data"], settings["choices"]["objective"]
    figure = "3" if settings["hidden_dim"] == FIGURE_3_UNITS else f"2, {DATA[data]}"
    seconds = done["training_seconds"], done["evaluation_seconds"]
    return _Run((figure, METHODS[objective]), done["samples_seen"], *seconds)


def _cells(figure: str, method: str, runs: list[_Run]) -> tuple[str, ...]:
    samples, longest = sum(run.samples for run in runs), max(run.samples for run in runs)
    hours = [sum(seconds) / 3600 for seconds in ([r.training for r in runs], [r.evaluation for r in runs])]
    return (
        figure,
        method,
        str(len(runs)),
        f"{samples:.1e}".replace("e+0", "e"),
        f"{longest:.0e}".replace("e+0", "e"),
        *(f"{h:.1f}" for h in hours),
    )
