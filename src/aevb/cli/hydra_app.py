"""A command that Hydra configures: one clear line for an error, and a reliable exit code.

Hydra composes, completes and helps; its error messages are rewritten (aevb.cli.hydra_errors). Every point of a sweep is
composed and checked before the first starts. Exit codes: 0: done. 1: something broke (a traceback says where), or jobs of a
sweep failed. 2: the request was refused before anything was started. 128 + number: stopped by a signal.
"""

import os
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import hydra
from hydra._internal.hydra import Hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from aevb.cli import hydra_policy
from aevb.cli.composition import HYDRA_BASE, chosen_options, hydra_session, register_resolvers, typed_overrides
from aevb.cli.data_check import check_arguments
from aevb.cli.estimate import print_estimate
from aevb.cli.flags import Flags, take_flags, take_trusted
from aevb.cli.hydra_errors import explain
from aevb.cli.job import Failures, JobContext, print_error, report_errors
from aevb.cli.parallel_launcher import prepare_parallel_launcher
from aevb.cli.requeue import requeue_on_time_limit
from aevb.cli.sweep import (
    Check,
    PlannedRun,
    SweepPoint,
    check_data,
    check_machines,
    check_points,
    compose_master,
    is_sweep,
)
from aevb.cli.sweep_report import print_report, summary
from aevb.cli.tables import show
from aevb.cli.unknown_keys import check_groups
from aevb.cli.user_errors import is_user_error
from aevb.config import CONF
from aevb.config.machine import check_machine
from aevb.console.environment import COMMAND, SCRATCH
from aevb.console.printable import printable
from aevb.console.signals import Stopped, end_by_signal, ends_by_signal, handle_stop_signals
from aevb.console.streams import OutputError, standard_streams
from aevb.errors import UserError, resource_error
from aevb.execution.lifetime import exit_with_launcher
from aevb.runs.scratch import scratch

__all__ = ["Job", "Search", "SearchRunner", "SweepRunner", "run_hydra_app"]

Job = Callable[[DictConfig, JobContext], None]
"""Executes one config."""

SweepRunner = Callable[[list[SweepPoint], DictConfig, JobContext, Failures], bool]
"""Executes all points of a sweep: points, node `hydra.launcher`, how they were asked for, failures. False: leaves it to Hydra."""

hydra_policy.install()  # here, because the processes of a parallel launcher import this module and compose


class Search(NamedTuple):
    """What a search with Optuna needs, in which the next job depends on the results of the ones before.

    Attributes:
        application: Hydra, initialised.
        master: The config of the sweep.
        context: How it was asked for.
        flags: What the command line asks for.
        failures: Why jobs ended early.
    """

    application: Hydra
    master: DictConfig
    context: JobContext
    flags: Flags
    failures: Failures


SearchRunner = Callable[[Search], None]
"""Executes a search with Optuna, or checks it."""


def _refuse_search(search: Search) -> None:
    raise UserError("hydra/sweeper=optuna: nothing to train; allowed: with aevb-train; try: aevb-train")


def run_hydra_app(
    root: str,
    job: Job,
    check: Check,
    run_sweep: SweepRunner = lambda *_: False,
    run_search: SearchRunner = _refuse_search,
) -> None:
    """Run a job on what Hydra composes from conf/<root>.yaml and the command line, once or for every point of a sweep.

    Args:
        root: Name of the primary config.
        job: The job.
        check: What a config must pass. With `--check`, that is all.
        run_sweep: Executes a sweep, if it knows its launcher; the others are left to Hydra.
        run_search: Executes a search with Optuna.

    Raises:
        SystemExit: With one of the exit codes above.
    """
    program = f"aevb-{root}"
    full_error = os.environ.get("HYDRA_FULL_ERROR") == "1"
    os.environ[COMMAND] = shlex.join([program, *sys.argv[1:]])
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing and exiting
    # Until a run has a handler of its own: to die by the signal would leave temporary files behind.
    handle_stop_signals()
    with standard_streams(program):
        try:
            with scratch() as folder, ends_by_signal():
                _launch(root, program, job, check, run_sweep, run_search, folder)
        except OutputError:
            raise
        except Exception as error:
            error = resource_error(error) or error
            if full_error or not is_user_error(error):
                raise
            if {"-sc", "--shell-completion"} & set(sys.argv):
                sys.exit(2)  # a message would land in the middle of the word that is completed
            line = str(error) if isinstance(error, UserError) else explain(error, root, sys.argv[1:])
            print_error(program, line)
            sys.exit(2)
        except Stopped as stopped:
            if not stopped.is_said:
                begun = " before training began" if root == "train" and stopped.when is None else ""
                print_error(program, f"{stopped}{begun}; try: the same command")
                stopped.is_said = True
            raise
        except KeyboardInterrupt:
            resumes = ", which resumes each run from its last checkpoint, if it has one" if root == "train" else ""
            print_error(program, f"interrupted; try: the same command{resumes}")
            sys.exit(130)
        finally:
            if not full_error:
                del os.environ["HYDRA_FULL_ERROR"]  # not meant for the next call


def _launch(
    root: str,
    program: str,
    job: Job,
    check: Check,
    run_sweep: SweepRunner,
    run_search: SearchRunner,
    folder: Path,
) -> None:
    register_resolvers()
    os.environ[SCRATCH] = str(folder)
    trusted = take_trusted()
    flags = take_flags(root)
    if any(text.startswith("+") for text in flags.overrides):
        check_groups(flags.overrides, root)
    failures = Failures(folder / "failures")
    task = _Task(program, job, check, trusted, flags, failures)
    points: list[SweepPoint] = []
    if flags.runs and not flags.single and (flags.multirun or hydra_policy.may_be_sweep(flags.overrides)):
        with hydra_session(flags.config_dir) as application:
            config_name = flags.config_name or root
            master = compose_master(application, config_name, flags.overrides)
            context = JobContext(trusted, True, {}, config_name, flags.prepare)
            if str(master.hydra.sweeper._target_).endswith(".OptunaSweeper"):
                run_search(Search(application, master, context, flags, failures))
                return
            if flags.multirun or is_sweep(master):
                points = check_points(application, master, check, trusted)
                if flags.check and points:
                    _check_sweep(points, master.hydra.launcher, flags)
                    return
                if flags.estimate:
                    print_estimate(points, master.hydra.launcher, trusted, folder)
                    return
                if _execute(points, master.hydra.launcher, context, run_sweep, failures):
                    _end_sweep(program, points, failures, flags)
                    return
                if not flags.multirun:
                    sys.argv.insert(1, "-m")
    hydra.main(config_path=str(CONF), config_name=root, **HYDRA_BASE)(task)()
    if points:
        _end_sweep(program, points, failures, flags)
    elif failures.read():
        sys.exit(2)


def _check_sweep(points: list[SweepPoint], launcher: Any, flags: Flags) -> None:
    if not flags.prepare and "Slurm" not in str(launcher._target_):
        check_machines(points)
    check_data(points, read_published=False)
    for point in points:
        show_plan(point.plan, f"{point.label}: ")


def _execute(
    points: list[SweepPoint], launcher: Any, context: JobContext, run_sweep: SweepRunner, failures: Failures
) -> bool:
    target = str(launcher._target_)
    if "Slurm" not in target:  # what lies on this machine says nothing about others
        check_data(points)
    if run_sweep(points, launcher, context, failures):
        return True
    if "Joblib" in target or "Local" in target:
        directories = [point.plan.directory for point in points if point.plan is not None]
        prepare_parallel_launcher(directories, failures)
    return False


def _end_sweep(program: str, points: list[SweepPoint], failures: Failures, flags: Flags) -> None:
    try:
        _show_end(program, points, failures, flags)
    except Stopped as stopped:
        stopped.when = "after the last run of the sweep"
        raise


def _show_end(program: str, points: list[SweepPoint], failures: Failures, flags: Flags) -> None:
    reasons = failures.read()
    rows = summary(points, reasons)
    if rows:
        show(rows)
        if not flags.prepare:
            print_report([point.plan for point in points if point.plan], rows)
    late = {point.name for point, row in zip(points, rows, strict=False) if row.state not in ("done", "diverged")}
    failed = len(reasons.keys() | (late if not flags.prepare else set()))
    if failed:
        remedy = "; the same command runs only what is not done" if rows else ""
        print_error(program, f"{failed} of the sweep's {len(points)} jobs failed{remedy}")
        sys.exit(1)


class _Task:
    """The function that Hydra calls for each job, perhaps in another process."""

    def __init__(
        self, program: str, job: Job, check: Check, trusted: tuple[str, ...], flags: Flags, failures: Failures
    ) -> None:
        self.program, self.job, self.check, self.trusted = program, job, check, trusted
        self.flags, self.failures = flags, failures
        self.__module__ = __name__  # where Hydra believes the task to be defined

    def __call__(self, cfg: DictConfig) -> None:
        exit_with_launcher()
        end_by_signal()
        if self.failures.stopped:
            sys.exit(128 + signal.SIGTERM)
        config = HydraConfig.get()
        sweeping = config.mode == RunMode.MULTIRUN
        overrides = tuple(typed_overrides(config))
        point = " ".join(overrides)
        config_name, prepare = str(config.job.config_name), self.flags.prepare
        context = JobContext(self.trusted, sweeping, chosen_options(config), config_name, prepare, overrides)
        # Inside too, for Hydra would print a line of its own about whatever leaves a job.
        with (
            requeue_on_time_limit(),
            standard_streams(self.program),
            report_errors(self.program, point, self.failures, sweeping),
            ends_by_signal(),
        ):
            if self.flags.check:
                plan = self.check(cfg, context)
                if plan is not None and plan.action != "done" and not self.flags.prepare:
                    check_machine(plan.settings)
                show_plan(plan)
            elif self.flags.estimate:
                only = SweepPoint(point, "", self.check(cfg, context))
                print_estimate([only], None, self.trusted, self.failures.path.parent)
            else:
                self.job(cfg, context)


def show_plan(plan: PlannedRun | None, where: str = "") -> None:
    """Print what a job would do.

    Args:
        plan: The planned run; None if the config has none.
        where: The overrides of its point, if it belongs to a sweep.
    """
    words = {"new": "would train", "resume": "would resume", "extend": "would be extended", "done": "is finished"}
    if plan is not None and plan.action != "done":
        check_arguments(plan.settings)
        if plan.own_data:
            if description := plan.check_data().description:
                print(printable(f"{where}{plan.directory}: data: {description}"), flush=True)
            if plan.model_choice:
                print(printable(f"{where}{plan.directory}: {plan.model_choice}"), flush=True)
    does = f"{plan.directory}: {words[plan.action]} to {plan.max_samples:,} samples" if plan else "could run"
    print(printable(f"{where}{does}"), flush=True)
