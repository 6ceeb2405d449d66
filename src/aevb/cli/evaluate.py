"""aevb-evaluate: evaluate a finished run, or several.

A single run is evaluated in this process, several blocks of its images at once. Several runs (a list, a pattern, or the
points of a sweep) are evaluated by child processes, as many at once as there are cores; a run that fails does not end the
others.
"""

import os
import sys
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from aevb import runs
from aevb.cli.evaluation_files import EvaluationFiles
from aevb.cli.hydra_app import run_hydra_app
from aevb.cli.job import Failures, JobContext, print_error
from aevb.cli.run_choice import chosen_runs, is_single
from aevb.cli.sweep import SweepPoint
from aevb.config import validate
from aevb.console.counts import counted
from aevb.console.imports import without_collection
from aevb.errors import UserError
from aevb.execution.evaluation_queue import evaluate_in_parallel
from aevb.execution.queue import blocks_at_once
from aevb.execution.worker_command import thread_variables
from aevb.files.folders import check_links
from aevb.runs.data_record import check_data_root
from aevb.runs.run_reference import is_archived, unpacked_run

__all__ = ["evaluate"]

PROGRAM = "aevb-evaluate"

Settings = dict[str, Any]


class _Process:
    """Owns the runs that were unpacked from archives, until the process ends."""


UNPACKED = _Process()


def evaluate() -> None:
    """aevb-evaluate: evaluates a finished run, or several."""
    checked: list[Settings] = []  # of the points of a sweep, in their order
    files = EvaluationFiles()

    def check(cfg: DictConfig, context: JobContext) -> None:
        settings = validate(cfg, context.trusted, "evaluate", context.overrides)
        files.add(settings, context.trusted)
        checked.append(settings)

    def sweep(points: list[SweepPoint], launcher: DictConfig, context: JobContext, failures: Failures) -> bool:
        if not str(launcher._target_).endswith("BasicLauncher"):
            return False
        jobs = [(point, one) for point, one in zip(points, checked, strict=True)]
        _evaluate_several([(point.name, settings) for point, settings in jobs], context.trusted, failures)
        return True

    run_hydra_app("evaluate", _evaluate, check, sweep)


def _evaluate(cfg: DictConfig, context: JobContext) -> None:
    settings = validate(cfg, context.trusted, "evaluate", context.overrides)
    if is_single(settings["run"]):
        (settings["run"],) = map(str, chosen_runs(settings["run"]))
        settings = _checked(settings)
        os.environ.update(thread_variables(settings["threads"]))
        with without_collection():
            from aevb.execution.evaluation_worker import evaluate as evaluate_here  # imports torch

        evaluate_here(settings, context.trusted, blocks_at_once(settings["cores"], settings["threads"]))
        return
    count = len(chosen_runs(settings["run"]))
    failed = _evaluate_several([("", settings)], context.trusted, None)
    if failed:
        print_error(
            PROGRAM, f"{failed} of {counted(count, 'run')} failed; the same command computes only what is not recorded"
        )
        sys.exit(1)
    print(f"{counted(count, 'run')} evaluated", flush=True)


def _evaluate_several(points: list[tuple[str, Settings]], trusted: tuple[str, ...], failures: Failures | None) -> int:
    """Evaluate every run of every point, print why some fail, and return how many do."""
    queue: list[tuple[str, Settings]] = []
    failed = 0

    def fail(point: str, run: str, reason: str) -> None:
        nonlocal failed
        failed += 1
        named = reason.startswith((run, f"run={run}"))
        where = f"{point}: " if point else "" if named else f"{run}: "
        print_error(PROGRAM, reason, where)
        if failures is not None:
            failures.record(point, reason)

    for name, settings in points:
        for directory in chosen_runs(settings["run"]):
            one = {**settings, "run": str(directory)}
            try:
                queue.append((name, _checked(one)))
            except UserError as error:
                fail(name, one["run"], str(error))
    cores = points[0][1].get("cores")
    for index, reason in evaluate_in_parallel([settings for _, settings in queue], trusted, cores) if queue else ():
        if reason:
            name, settings = queue[index]
            fail(name, settings["run"], reason)
    return failed


def _checked(settings: Settings) -> Settings:
    """Refuse a run that is not finished, before torch is imported; a run of an archive is unpacked for this process."""
    if is_archived(settings["run"]):
        if settings["output_dir"] is None:
            raise UserError(
                f"output_dir=null: {settings['run']} is in an archive, which is not written to; allowed: a folder for the results; "
                "try: output_dir=outputs/evaluations"
            )
        settings = {**settings, "run": str(unpacked_run(settings["run"], UNPACKED))}
    _check_run(settings)
    return settings


def _check_run(settings: Settings) -> None:
    directory = Path(settings["run"])
    if settings["output_dir"] is not None:
        check_links(Path(settings["output_dir"]))
    check_data_root(settings["data_root"], [runs.read_settings(directory)["data"]])
    if runs.state(directory) != "done":
        raise UserError(f"run={directory}: not finished; try: the aevb-train command that began it, which resumes it")
