"""aevb-figure: draw a figure from finished runs."""

import os
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from aevb.cli.hydra_app import run_hydra_app
from aevb.cli.job import JobContext
from aevb.config import validate
from aevb.config.instantiate import instantiate
from aevb.console.imports import without_collection
from aevb.execution.worker_command import thread_variables
from aevb.runs.run_reference import is_archived, unpacked_runs

__all__ = ["figure"]


def figure() -> None:
    """aevb-figure: draws a figure from finished runs."""
    run_hydra_app("figure", _figure, _check)


def _check(cfg: DictConfig, context: JobContext) -> None:
    validate(cfg, context.trusted, "figure", context.overrides)


def _figure(cfg: DictConfig, call: JobContext) -> None:
    settings = validate(cfg, call.trusted, "figure", call.overrides)
    os.environ.update(thread_variables(1))
    drawing = instantiate(settings["figure"], call.trusted)
    runs = _runs(settings)
    if is_archived(runs):
        runs = unpacked_runs(runs, drawing)
    with without_collection():  # thousands of runs are millions of objects, and few cycles among them
        paths = drawing.draw(runs, Path(settings["output_dir"]), call.trusted)
    for path in paths:
        print(path)


def _runs(settings: dict[str, Any]) -> Path:
    # Where aevb-train with the same output_dir has put them; figures themselves are in outputs/figures by default.
    if settings["runs"] is not None:
        return Path(settings["runs"])
    output_dir = Path(settings["output_dir"])
    candidates = (output_dir / "runs", output_dir.parent / "runs")
    return next((folder for folder in candidates if folder.is_dir()), Path("outputs/runs"))
