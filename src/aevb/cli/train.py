"""aevb-train: train a run, continue it, extend it, or find it finished; or all runs of a sweep.

A single run on one device trains in this process. Every job of a sweep is a child process, so that one that dies takes no
other along, and so are the ranks of a run on several devices.
"""

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from aevb import runs
from aevb.cli.data_check import check_data
from aevb.cli.hydra_app import Search, run_hydra_app
from aevb.cli.job import Failures, JobContext, print_error, report_errors
from aevb.cli.overrides import literal_path
from aevb.cli.run_plan import PROGRAM, discard_refused, plan_run, print_warning, record_run, train_here
from aevb.cli.sweep import PlannedRun, SweepPoint, check_machines
from aevb.cli.worker_command import worker_command
from aevb.config.machine import check_machine
from aevb.config.tree import options
from aevb.console.printable import printable, with_error
from aevb.console.signals import Stopped, end_by_signal
from aevb.data.target_convention import log_px_of
from aevb.errors import ReportedError, UserError, resource_error
from aevb.execution import pool
from aevb.execution.child_process import described_end
from aevb.execution.queue import QueuedRun, train_in_ensembles, train_in_parallel
from aevb.runs import layout, manifest
from aevb.runs.lock import lock
from aevb.runs.refused_extension import unextended
from aevb.runs.status import failure_reason, has_diverged

__all__ = ["final_values", "train"]

SIGNALLED = 128  # the exit code after a signal is 128 + its number
ACTIONS = {"new": "training", "resume": "resuming", "extend": "extending"}
LOG_PX = {
    "importance": "by importance sampling",
    "ais": "by annealed importance sampling",
    "quadrature": "by quadrature",
    "enumeration": "by enumeration",
}
"""The evaluators of log p(x) in the last line of a run, nats per image."""


def train() -> None:
    """Execute aevb-train: train a run, resume it, or report that it is done."""
    run_hydra_app("train", _train_one, plan_run, _train_sweep, _search)


def _search(search: Search) -> None:
    from aevb.cli.optuna_sweep import run_search  # here: other commands do not load Optuna's part

    run_search(search, _prepare)


def _train_one(cfg: DictConfig, context: JobContext) -> None:
    plan = plan_run(cfg, context)
    with _leaves_no_untrained([plan]):
        here = not context.sweeping and plan.settings["trainer"]["devices"] == 1
        run = _prepare(plan, context, here and not context.prepare_only)
        if run is None:
            return
        if not here:
            code = pool.run_worker(run.command)
        else:
            train_here(plan, context.trusted)
            code = 0
        _report(plan, code, context.sweeping)


def _train_sweep(points: list[SweepPoint], launcher: DictConfig, context: JobContext, failures: Failures) -> bool:
    kind = str(launcher._target_).rpartition(".")[2]
    if kind not in ("BasicLauncher", "CoresLauncher", "EnsembleLauncher"):
        return False
    if not context.prepare_only:
        check_machines(points)
    begun: list[PlannedRun] = []
    with _leaves_no_untrained(begun):
        _train_points(points, kind, launcher, context, failures, begun)
    return True


def _train_points(
    points: list[SweepPoint],
    kind: str,
    launcher: DictConfig,
    context: JobContext,
    failures: Failures,
    begun: list[PlannedRun],
) -> None:
    # begun: receives the plan of every run whose directory is made.
    queue: list[QueuedRun] = []
    queued: list[SweepPoint] = []

    def prepare(point: SweepPoint) -> bool:
        assert point.plan is not None
        begun.append(point.plan)
        with report_errors(PROGRAM, point.name, failures, True):
            return _prepare(point.plan, context) is not None
        return False

    at_once = kind == "EnsembleLauncher" or context.prepare_only  # otherwise while the first runs are trained
    for point in points:
        assert point.plan is not None
        if not (at_once or point.plan.action == "done") or prepare(point):
            queue.append(QueuedRun(point.plan.directory, point.plan.settings, context.trusted))
            queued.append(point)
    if not queue:
        return
    if kind == "EnsembleLauncher":
        ends = train_in_ensembles(queue, launcher.members)
    else:
        cores = launcher.cores if kind == "CoresLauncher" else 1
        ends = train_in_parallel(queue, cores, lambda index: prepare(queued[index]))
    with closing(ends):
        for index, code in ends:
            point = queued[index]
            assert point.plan is not None
            with report_errors(PROGRAM, point.name, failures, True):
                _report(point.plan, code, True)


@contextmanager
def _leaves_no_untrained(plans: Sequence[PlannedRun]) -> Iterator[None]:
    """Remove new runs that never came to a checkpoint, if a signal, full output, a full disk or too little memory ends the command.

    A finished run whose extension a signal ended before it began is what it was.
    """
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, KeyboardInterrupt) or (isinstance(end.code, int) and end.code > SIGNALLED):
            for plan in plans:
                if plan.action == "extend":
                    unextended(plan.directory)
                if plan.action == "new" and plan.directory.is_dir():
                    runs.discard(plan.directory)
                    if not plan.directory.is_dir():
                        print_error(PROGRAM, f"{plan.directory}: stopped before its first checkpoint, and removed")
                        if isinstance(end, Stopped):
                            end.is_said = True
        raise
    except Exception as error:
        too_little = resource_error(error)
        if too_little is None and not isinstance(error, OSError):
            raise
        for plan in plans:
            if plan.action == "new":
                runs.discard(plan.directory)
        raise too_little or error from error


def _prepare(plan: PlannedRun, context: JobContext, here: bool = False) -> QueuedRun | None:
    """Make the run directory, for a process of its own or this one; None if there is nothing to train."""
    end_by_signal()
    directory, settings = plan.directory, plan.settings
    if plan.action == "done":
        _print_finished(directory, settings)
        return None
    if not context.prepare_only:
        check_machine(settings)
    facts = check_data(settings, directory, context.trusted, print_warning, keep=here)
    hashes = facts.hashes
    with lock(directory):
        record_run(plan, hashes)
        if context.prepare_only:
            from aevb.nn.torch_settings import describe_hardware  # imports torch

            manifest.begin(directory, settings, hashes, describe_hardware(settings["trainer"]["accelerator"]))
            print(f"{directory}: prepared for {settings['max_samples']:,} samples, not trained; from this folder:")
            print(f"    {worker_command(directory, settings['trainer']['devices'], context.trusted)}", flush=True)
            return None
    if settings["logger"].get("published"):
        data, latent_dim = str(settings["choices"].get("data")), settings["latent_dim"]
        _write_published(directory.parent, data, latent_dim, settings["max_samples"])
    if facts.description:
        print(printable(f"{directory}: data: {facts.description}"), flush=True)
    if plan.model_choice:
        print(printable(f"{directory}: {plan.model_choice}"), flush=True)
    print(f"{directory}: {ACTIONS[plan.action]} to {settings['max_samples']:,} samples", flush=True)
    return QueuedRun(directory, settings, context.trusted)


def _print_finished(directory: Path, settings: dict[str, Any]) -> None:
    seen = runs.Run(directory).done["samples_seen"]
    print(f"{directory}: finished already, {seen:,} samples{final_values(directory)}", flush=True)
    if missing := _not_evaluated(directory, settings):
        names = missing[0] if len(missing) == 1 else f"[{','.join(missing)}]"
        words = [literal_path(f"run={directory}"), f"evaluator={names}"]
        print_warning(f"evaluator={names}: the run was finished without; try: {shlex.join(['aevb-evaluate', *words])}")


@cache  # once for all seeds
def _write_published(folder: Path, data: str, latent_dim: int, max_samples: int) -> None:
    from aevb.report.published_runs import write_published_runs  # here: a run without them does not wait for it

    if not write_published_runs(folder, data, latent_dim, max_samples):
        lacks = f"the paper has no curve of data={data} latent_dim={latent_dim}; none is shown"
        print(f"{PROGRAM}: warning: logger.published=true: {lacks}", file=sys.stderr, flush=True)


def _report(plan: PlannedRun, code: int, sweeping: bool) -> None:
    """Print the end of a run by the exit code of the process that trained it, negative if a signal ended it."""
    directory = plan.directory
    if code == 0:
        print(f"{directory}: finished{final_values(directory)}", flush=True)
        if warning := runs.Run(directory).done.get("warning"):
            print_warning(f"{directory}: {warning}")
        return
    if sweeping and has_diverged(directory):
        has_curve = (directory / layout.METRICS).exists()
        curve = (
            "its curve is kept" if has_curve else "it has no curve, since that was before its first evaluation point"
        )
        print(f"{directory}: diverged, which is a result; {curve}", flush=True)
        return
    if code == 2:
        reason = failure_reason(directory) or "ended for the reason above"  # on a full disk there is no file FAILED
        discard_refused(plan)
        raise ReportedError(reason)
    died = f"{directory}: the process {described_end(code)}; try: the same command, which runs only what is not done"
    if sweeping:
        raise UserError(died)
    sys.exit(f"{PROGRAM}: {died}")


def _not_evaluated(directory: Path, settings: dict[str, Any]) -> list[str]:
    # Evaluators that are asked for now, and of which the finished run has no record.
    try:
        evaluated = {record["name"] for record in runs.Run(directory).evaluations()}
    except UserError:  # a damaged file, which aevb-evaluate and the report name
        return []
    return [name for name in settings["evaluator"] if name not in evaluated and name in options("evaluator")]


def final_values(directory: Path) -> str:
    """Return what the last line of a run says about the test images.

    Args:
        directory: The directory of a finished run.

    Returns:
        For each evaluator "; test", what it estimates, the mean and its standard error.
    """
    run = runs.Run(directory)
    test, log_px = run.done.get("test", {}), log_px_of(run.settings)
    return "".join(
        f"; test {f'{log_px} {LOG_PX[name]}' if name in LOG_PX else name} {with_error(value['mean'], value['standard_error'], 2)}"
        for name, value in test.items()
    )
