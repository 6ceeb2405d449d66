"""`hydra/sweeper=optuna`: a search over configs with Optuna, each trial an ordinary run directory.

Trials are child processes. Their metrics.csv is read while they train; a trial that the pruner ends saves, and stays behind
as a partial run. The study is in <output_dir>/optuna.db, so the same command continues a search that was stopped.
"""

import math
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from aevb.cli.hydra_app import Search, show_plan
from aevb.cli.job import JobContext, print_error
from aevb.cli.optuna_objective import final_value, intermediate_values
from aevb.cli.optuna_report import print_trials
from aevb.cli.optuna_study import StudySettings, TrialQueue, check_optuna, finished_trials, open_study, study_name
from aevb.cli.optuna_trials import Points
from aevb.cli.run_plan import PROGRAM, plan_run
from aevb.cli.sweep import PlannedRun
from aevb.config.machine import check_machine
from aevb.console.counts import counted
from aevb.errors import UserError
from aevb.execution.child_process import described_end
from aevb.execution.pool import LivePool, live_pool
from aevb.execution.queue import QueuedRun, available_cores
from aevb.runs.lifecycle import discard
from aevb.runs.lock import lock
from aevb.runs.pruned import mark_pruned
from aevb.runs.run import state
from aevb.runs.status import failure_reason, has_diverged

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial

__all__ = ["run_search"]

SECONDS = 0.5
"""Between two looks at the metrics.csv of the trials that run."""

Prepare = Callable[[PlannedRun, JobContext], QueuedRun | None]
"""Makes a run directory; None if there is nothing to train."""


def run_search(search: Search, prepare: Prepare) -> None:
    """Run a search, or only check it.

    Args:
        search: What is asked for.
        prepare: Makes the run directory of a trial.

    Raises:
        UserError: For settings or a space that are not valid; nothing was started.
        SystemExit: With 1 if trials failed.
    """
    check_optuna()
    master, flags = search.master, search.flags
    sweeper: Any = OmegaConf.to_container(master.hydra.sweeper)
    settings = StudySettings.of(sweeper)
    cores = _cores(master.hydra.launcher)
    if flags.prepare:
        raise UserError("--prepare: the trials of a search are not known beforehand; allowed: --check; try: --check")
    if flags.estimate:
        raise UserError("--estimate: the trials of a search are not known beforehand; allowed: --check; try: --check")
    points = Points(search.application, master, search.context, plan_run, settings.objective)
    first = points.check()
    check_machine(first.settings)
    output_dir = Path(first.settings["output_dir"])
    name = study_name(settings, points.space)
    if flags.check:
        print(
            f"{output_dir / 'optuna.db'}: study {name}: {counted(settings.n_trials, 'trial')}, {settings.objective} {settings.direction}d"
        )
        for line in points.space.describe():
            print(f"    {line}")
        show_plan(first, "the first point: ")
        return
    points.check_data(first)
    with lock(output_dir), open_study(output_dir / "optuna.db", name, settings) as study:
        failed = _Trials(study, settings, points, search.context, prepare, cores).run()
        print_trials(study, settings.objective, first, points.space.fixed, search.context.trusted)
    if failed:
        print_error(
            PROGRAM, f"{counted(failed, 'trial')} failed; the same command repeats {'it' if failed == 1 else 'them'}"
        )
        sys.exit(1)


def _cores(launcher: Any) -> int:
    kind = str(launcher._target_).rpartition(".")[2]
    if kind not in ("BasicLauncher", "CoresLauncher"):
        raise UserError(
            "hydra/sweeper=optuna: its trials are processes on this machine; allowed: hydra/launcher=cores or basic; "
            "try: without hydra/launcher="
        )
    return (launcher.cores or available_cores()) if kind == "CoresLauncher" else 1


class _Trials:
    """The trials of one command."""

    def __init__(
        self,
        study: "Study",
        settings: StudySettings,
        points: Points,
        context: JobContext,
        prepare: Prepare,
        cores: int,
    ) -> None:
        self.study, self.settings, self.points = study, settings, points
        self.context, self.prepare, self.cores = context, prepare, cores
        self.queue = TrialQueue(study, settings, parallel=cores > 1 and settings.n_jobs != 1)
        self.running: dict[int, tuple[Trial, PlannedRun]] = {}  # by number of the trial
        self.repeats: dict[int, list[Trial]] = {}  # number of a running trial -> trials of the same run
        self.pruned: dict[int, int] = {}  # number -> evaluation point
        self.used = 1  # cores of one run
        self.failed = 0

    def run(self) -> int:
        """Run until there are as many trials as wanted; returns how many failed."""
        from aevb.console.progress import show_child_bars  # here, so that rich is loaded only when training

        with ExitStack() as stack:
            stack.enter_context(show_child_bars())
            pool = stack.enter_context(live_pool())
            while True:
                while self._has_room(len(pool)) and (trial := self.queue.next()) is not None:
                    self._begin(trial, pool)
                if not len(pool):
                    return self.failed
                for number, code in pool.wait(SECONDS):
                    self._end(number, code)
                for number in self.running:
                    if number not in self.pruned and self._is_worse(number):
                        pool.stop(number)

    def _has_room(self, count: int) -> bool:
        most = self.settings.n_jobs or max(1, self.cores // self.used)
        return count < most

    def _begin(self, trial: "Trial", pool: LivePool) -> None:
        overrides = self.points.space.suggest(trial)
        trial.set_user_attr("overrides", overrides)
        try:
            plan = self.points.plan(overrides)
            trial.set_user_attr("run", str(plan.directory))
            for number, (_, other) in self.running.items():
                if other.directory == plan.directory:
                    self.repeats.setdefault(number, []).append(trial)
                    return
            for finished in finished_trials(self.study):
                if finished.user_attrs.get("run") == str(plan.directory) and finished.number != trial.number:
                    self._repeat(trial, finished)
                    return
            run = None if plan.action == "done" else self._prepared(plan)
        except UserError as error:
            self._fail(trial, str(error))
            return
        self.running[trial.number] = trial, plan
        if run is None:
            self._end(trial.number, 0)
            return
        self.used = max(1, min(run.command.cores, self.cores))
        print(f"trial {trial.number}: {' '.join(overrides)}", flush=True)
        pool.start(trial.number, run.command)

    def _prepared(self, plan: PlannedRun) -> QueuedRun | None:
        self.points.check_data(plan)
        return self.prepare(plan, self.context)

    def _is_worse(self, number: int) -> bool:
        """Report the new evaluation points of a running trial; whether the pruner ends it at one of them."""
        trial, plan = self.running[number]
        for point in self._new_points(trial, plan):
            if trial.should_prune():
                self.pruned[number] = point
                return True
        return False

    def _new_points(self, trial: "Trial", plan: PlannedRun) -> Iterator[int]:
        before = self.study._storage.get_trial(trial._trial_id).intermediate_values
        for point, value in self._points(plan).items():
            if point not in before:
                trial.report(value, point)
                yield point

    def _points(self, plan: PlannedRun) -> dict[int, float]:
        try:
            return intermediate_values(
                plan.directory, self.settings.objective, plan.settings["evaluation"].get("every")
            )
        except UserError:
            return {}  # damaged: the end of the run reports it

    def _end(self, number: int, code: int) -> None:
        trial, plan = self.running.pop(number)
        directory = plan.directory
        done = state(directory) == "done"
        try:
            if done and code == 0:
                self._complete(trial, plan)
            elif number in self.pruned and code in (-signal.SIGTERM, 128 + signal.SIGTERM):
                point = self.pruned[number]
                reason = f"pruned at {point:,} samples by {self.study.study_name}, trial {number}"
                mark_pruned(directory, reason)
                self._prune(trial, plan, reason)
            elif has_diverged(directory):
                self._prune(trial, plan, "diverged")
            else:
                reason = failure_reason(directory) if code == 2 else f"the process {described_end(code)}"
                if code == 2 and plan.action == "new":
                    discard(directory)
                self._fail(trial, reason)
        except (UserError, FileNotFoundError) as error:
            self._fail(trial, str(error))
        self.pruned.pop(number, None)
        for repeat in self.repeats.pop(number, []):
            self._repeat(repeat, self.study.trials[number])

    def _complete(self, trial: "Trial", plan: PlannedRun) -> None:
        value = final_value(plan.directory, self.settings.objective, self.context.trusted)
        list(self._new_points(trial, plan))  # reports the last ones
        if math.isnan(value):
            self._fail(trial, f"{plan.directory}: no {self.settings.objective} in it")
            return
        self.study.tell(trial, value)
        print(f"{plan.directory}: trial {trial.number}: {self.settings.objective} {value:.2f}", flush=True)

    def _prune(self, trial: "Trial", plan: PlannedRun, reason: str) -> None:
        from optuna.trial import TrialState

        trial.set_user_attr("ended", reason)
        self.study.tell(trial, state=TrialState.PRUNED)
        print(f"{plan.directory}: trial {trial.number}: {reason}", flush=True)

    def _repeat(self, trial: "Trial", original: "FrozenTrial") -> None:
        """Give a trial the result of the trial whose run it is too."""
        from optuna.trial import TrialState

        if original.state == TrialState.FAIL:
            self._fail(trial, f"is the run of trial {original.number}, which failed")
            return
        trial.set_user_attr("repeats", original.number)
        before = self.study._storage.get_trial(trial._trial_id).intermediate_values
        for point, value in original.intermediate_values.items():
            if point not in before:
                trial.report(value, point)
        if original.state == TrialState.COMPLETE:
            self.study.tell(trial, original.value)
        else:
            trial.set_user_attr("ended", original.user_attrs.get("ended", ""))
            self.study.tell(trial, state=TrialState.PRUNED)

    def _fail(self, trial: "Trial", reason: str) -> None:
        from optuna.trial import TrialState

        trial.set_user_attr("ended", reason)
        self.study.tell(trial, state=TrialState.FAIL)
        self.failed += 1
        print_error(PROGRAM, reason, f"trial {trial.number}: ")
