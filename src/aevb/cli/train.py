"""aevb-train: train a run, continue it, extend it, or find it finished; or all runs of a sweep.

A single run on one device trains in this process. Every job of a sweep is a child process, so that one that dies takes no
other along, and so are the ranks of a run on several devices.
"""

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from aevb import runs
from aevb.cli.commands import set_threads
from aevb.cli.hydra_app import run_hydra_app
from aevb.cli.job import Failures, JobContext, report_errors
from aevb.cli.sweep import PlannedRun, SweepPoint
from aevb.cli.worker_command import worker_command
from aevb.config import label_pitfalls, pitfall_of, run_name, validate, warnings
from aevb.config.identity import IN_THE_NAME
from aevb.config.instantiate import instantiate
from aevb.data.target_convention import TargetConvention
from aevb.errors import ReportedError, UserError
from aevb.execution import pool
from aevb.execution.queue import QueuedRun, train_in_ensembles, train_in_parallel
from aevb.runs import manifest
from aevb.runs.data_hashes import check_same_data, record_data
from aevb.runs.lock import lock
from aevb.runs.status import failure_reason

__all__ = ["plan_run", "train"]

PROGRAM = "aevb-train"
ACTIONS = {"new": "training", "resume": "going on", "extend": "extending"}


def train() -> None:
    """aevb-train: trains a run, or goes on with it, or finds it done."""
    run_hydra_app("train", _train_one, plan_run, _train_sweep)


def plan_run(cfg: DictConfig, context: JobContext) -> PlannedRun:
    """Validate a config and return what its job would do.

    Args:
        cfg: The composed config.
        context: The context of the job.

    Returns:
        The planned run.

    Raises:
        UserError: With every fault of the config.
    """
    settings = validate(cfg, context.trusted)
    settings["choices"] = label_pitfalls(context.choices, settings)
    # What a run would be if nothing but its short name were asked for.
    short = {key: settings[key] for key in ("latent_dim", "seed")}
    defaults = context.defaults(IN_THE_NAME, **short)
    replaced = [group for group in IN_THE_NAME if pitfall_of(settings[group])]
    if replaced and context.choices.get("pitfall"):  # the name says so already
        mistaken = context.defaults(("pitfall",), **short)
        defaults |= {group: mistaken[group] for group in replaced}
    name = run_name(settings, defaults)
    directory = Path(settings["output_dir"]) / "runs" / name
    settings["name"] = directory.name
    action = runs.planned_action(directory, settings)
    for line in warnings(settings):
        _warn(line)
    return PlannedRun(directory, settings, action, lambda: _check_data(settings, directory, context.trusted))


@cache  # once, however many points of a sweep it concerns
def _warn(line: str) -> None:
    print(f"{PROGRAM}: warning: {line}", file=sys.stderr, flush=True)


def _train_one(cfg: DictConfig, context: JobContext) -> None:
    plan = plan_run(cfg, context)
    run = _prepare(plan, context)
    if run is None:
        return
    if context.sweeping or plan.settings["trainer"]["devices"] > 1:
        code = pool.run_worker(run.command)
    else:
        _train_here(plan, context.trusted)
        code = 0
    _report(plan, code, context.sweeping)


def _train_sweep(points: list[SweepPoint], launcher: DictConfig, context: JobContext, failures: Failures) -> bool:
    kind = str(launcher._target_).rpartition(".")[2]
    if kind not in ("BasicLauncher", "CoresLauncher", "EnsembleLauncher"):
        return False
    queue: list[QueuedRun] = []
    queued: list[SweepPoint] = []
    for point in points:
        assert point.plan is not None
        with report_errors(PROGRAM, point.name, failures, True):
            if (run := _prepare(point.plan, context)) is not None:
                queue.append(run)
                queued.append(point)
    if not queue:
        return True
    if kind == "EnsembleLauncher":
        ends = train_in_ensembles(queue, launcher.members)
    else:
        ends = train_in_parallel(queue, launcher.cores if kind == "CoresLauncher" else 1)
    for index, code in ends:
        point = queued[index]
        assert point.plan is not None
        with report_errors(PROGRAM, point.name, failures, True):
            _report(point.plan, code, True)
    return True


def _prepare(plan: PlannedRun, context: JobContext) -> QueuedRun | None:
    """Make the run directory; None if there is nothing to train."""
    directory, settings = plan.directory, plan.settings
    if plan.action == "done":
        seen = runs.Run(directory).done["samples_seen"]
        print(f"{directory}: finished already, {seen:,} samples{_results(directory)}", flush=True)
        return None
    hashes = _check_data(settings, directory, context.trusted)
    with lock(directory):
        runs.prepare(directory, settings)
        record_data(directory, hashes, settings["data"])
        if context.prepare_only:
            from aevb.training.hardware import describe_hardware  # imports torch

            manifest.begin(directory, settings, hashes, describe_hardware(settings["trainer"]["accelerator"]))
            print(f"{directory}: prepared for {settings['max_samples']:,} samples, not trained; from this folder:")
            print(f"    {worker_command(directory, settings['trainer']['devices'], context.trusted)}", flush=True)
            return None
    print(f"{directory}: {ACTIONS[plan.action]} to {settings['max_samples']:,} samples", flush=True)
    return QueuedRun(directory, settings, context.trusted)


def _train_here(plan: PlannedRun, trusted: tuple[str, ...]) -> None:
    from aevb.training import train_run  # imports torch

    try:
        train_run.run(plan.directory, trusted)
    except UserError:
        if plan.action == "new":
            runs.discard(plan.directory)
        raise


def _report(plan: PlannedRun, code: int, sweeping: bool) -> None:
    """Print the end of a run by the exit code of the process that trained it, negative if a signal ended it."""
    directory = plan.directory
    if code == 0:
        print(f"{directory}: finished{_results(directory)}", flush=True)
        return
    if code == 2:
        reason = failure_reason(directory)
        if plan.action == "new":
            runs.discard(directory)
        raise ReportedError(reason)
    end = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    died = f"{directory}: the process {end}; try: the same command, which runs only what is not done"
    if sweeping:
        raise UserError(died)
    sys.exit(f"{PROGRAM}: {died}")


def _results(directory: Path) -> str:
    test = runs.Run(directory).done.get("test", {})
    return "".join(f"; test {name} {value['mean']:.2f} ± {value['standard_error']:.2f}" for name, value in test.items())


def _check_data(settings: dict[str, Any], directory: Path, trusted: tuple[str, ...]) -> dict[str, str]:
    # Here and not in the worker alone, so that a fault of the data is reported before torch loads and leaves nothing behind.
    set_threads(settings["trainer"]["threads"])
    n_train, hashes = _read_data(json.dumps(settings["data"]), trusted)
    check_same_data(directory, hashes, settings["data"])
    if settings["batch_size"] > n_train:
        raise UserError(
            f"batch_size={settings['batch_size']}: more than there are training data; "
            f"allowed: an integer >= 1 and <= {n_train}; try: batch_size={min(100, n_train)}"
        )
    return hashes


@cache  # the jobs of a sweep share it; each worker reads the data again
def _read_data(node: str, trusted: tuple[str, ...]) -> tuple[int, dict[str, str]]:
    dataset = instantiate(json.loads(node), trusted)
    if not isinstance(convention := getattr(dataset, "convention", None), TargetConvention):
        raise UserError(
            f"data._target_={json.loads(node)['_target_']}: its convention is {convention!r}; allowed: a "
            'TargetConvention; try: convention = TargetConvention("binary", description="as given")'
        )
    splits = dataset.load()
    return len(splits.train.x), splits.hashes()
