"""The manners of the command line: one clear line for a fault, and an exit code that can be trusted.

Hydra composes, sweeps, completes and helps; its refusals are rewritten here. 0: done. 1: something broke (a traceback says
where), or jobs of a sweep failed. 2: the request was refused, before anything was started.
"""

import os
import shlex
import signal
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from aevb.cli import hydra_policy as guard
from aevb.cli.flags import split_flags, take_trusted
from aevb.cli.hydra_errors import explain, is_user_error
from aevb.cli.sweep import Checked, PlannedRun, Sweep, groups_of, name_of, record_failure, stopped
from aevb.cli.tables import show
from aevb.config import CONF, options
from aevb.errors import ReportedError, UserError
from aevb.execution.lifetime import exit_with_launcher
from aevb.execution.scratch import scratch

__all__ = ["Check", "Job", "JobContext", "run_hydra_app"]


class JobContext(NamedTuple):
    """How a job was asked for.

    trusted: users' modules (--trust). sweeping: one of several jobs. choices: the option chosen in each group.
    config_name: of the primary config. preparing: whether the run is only to be made, not to be trained (--prepare).
    reporting: makes of something to be done the same thing whose faults are told and noted as this job's.
    """

    trusted: tuple[str, ...]
    sweeping: bool
    choices: dict[str, Any]
    config_name: str
    preparing: bool = False
    reporting: Callable[[Callable[..., None]], Callable[..., None]] = lambda do: do

    def compose(self, overrides: list[str]) -> dict[str, Any]:
        """Another config from the same tree, resolved as far as it goes."""
        cfg = hydra.compose(self.config_name, overrides)
        settings = OmegaConf.to_container(cfg, resolve=True)
        assert isinstance(settings, dict)
        return {str(key): value for key, value in settings.items()}


Job = Callable[[DictConfig, JobContext], None]
Check = Callable[[DictConfig, JobContext], PlannedRun | None]

guard.install()  # here, because the processes of a parallel launcher import this module and compose


def run_hydra_app(root: str, job: Job, check: Check) -> None:
    """Runs `job` on what Hydra composes from conf/<root>.yaml and the command line, once or for every point of a sweep.

    check: what a config must pass; all points of a sweep do before the first is run. With --check, that is all.
    """
    program = f"aevb-{root}"
    full_error = os.environ.get("HYDRA_FULL_ERROR") == "1"
    os.environ["AEVB_COMMAND"] = shlex.join([program, *sys.argv[1:]])  # for manifests
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing and exiting
    # Until a run listens for itself: to end by it would pass over what is to be cleared away.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        with scratch() as folder:
            _launch(root, program, job, check, folder)
    except Exception as error:
        if full_error or not is_user_error(error):
            raise
        if {"-sc", "--shell-completion"} & set(sys.argv):
            sys.exit(2)  # nobody wants to be lectured in the middle of a word
        line = str(error) if isinstance(error, UserError) else explain(error, root, sys.argv[1:])
        _tell(program, line)
        sys.exit(2)
    except KeyboardInterrupt:
        _tell(program, "interrupted; the same command goes on from the last checkpoint")
        sys.exit(130)
    finally:
        if not full_error:
            del os.environ["HYDRA_FULL_ERROR"]  # not the wish of whoever calls next


def _launch(root: str, program: str, job: Job, check: Check, folder: Path) -> None:
    OmegaConf.register_new_resolver("options", lambda group: ", ".join(options(group)), replace=True)
    os.environ["AEVB_SCRATCH"] = str(folder)  # conf/: where Hydra takes notes on a sweep
    trusted = take_trusted()
    only = split_flags(root)
    sweep = Sweep(
        lambda cfg, groups, name: check(cfg, JobContext(trusted, True, groups, name)),
        only == "--check",
        folder / "notes",
    )
    task = _task(program, job, check, trusted, only, sweep.notes)
    try:
        with sweep.watching():
            hydra.main(config_path=str(CONF), config_name=root, version_base="1.3")(task)()
    except Checked:
        for point in sweep.points:
            _show_plan(point.plan, f"{point.label}: ")
        return
    _end(program, sweep, only)


def _end(program: str, sweep: Sweep, only: str) -> None:
    ends = sweep.ends()
    if not sweep.points:
        if ends:
            sys.exit(2)
        return
    rows = sweep.summary()
    if rows:
        show(rows)
    late = {point.name for point, row in zip(sweep.points, rows, strict=False) if row.state != "done"}
    failed = len(ends.keys() | (late if only != "--prepare" else set()))
    if failed:
        remedy = "; the same command runs only what is not done" if rows else ""
        _tell(program, f"{failed} of the sweep's {len(sweep.points)} jobs failed{remedy}")
        sys.exit(1)


def _task(
    program: str, job: Job, check: Check, trusted: tuple[str, ...], only: str, notes: Path
) -> Callable[[DictConfig], None]:
    def task(cfg: DictConfig) -> None:
        exit_with_launcher()
        if stopped(notes):
            sys.exit(128 + signal.SIGTERM)
        config = HydraConfig.get()
        sweeping = config.mode == RunMode.MULTIRUN
        point = name_of(config)
        where = f"{point}: " if sweeping else ""
        reporting = _reporting(program, where, point, sweeping, notes)
        config_name = str(config.job.config_name)
        call = JobContext(trusted, sweeping, groups_of(config), config_name, only == "--prepare", reporting)
        if only == "--check":
            reporting(lambda: _show_plan(check(cfg, call)))()
        else:
            reporting(job)(cfg, call)

    return task


def _reporting(
    program: str, where: str, point: str, sweeping: bool, notes: Path
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def reporting(do: Callable[..., None]) -> Callable[..., None]:
        @wraps(do)
        def reported(*arguments: Any) -> None:
            try:
                do(*arguments)
                return
            except UserError as error:
                why = str(error)
                if not isinstance(error, ReportedError):
                    _tell(program, why, where)
            except Exception as error:
                if not sweeping:
                    raise
                why = f"{type(error).__name__}: {error}"
                traceback.print_exc()
                _tell(program, "failed with the traceback above", where)
            record_failure(notes, point, why)

        return reported

    return reporting


def _show_plan(plan: PlannedRun | None, where: str = "") -> None:
    words = {"new": "would train", "resume": "would go on", "extend": "would be extended", "done": "is finished"}
    does = f"{plan.directory}: {words[plan.planned_action]} to {plan.max_samples:,} samples" if plan else "could run"
    print(f"{where}{does}", flush=True)


def _tell(program: str, text: str, where: str = "") -> None:
    for line in text.splitlines():
        print(f"{program}: {where}{line}", file=sys.stderr, flush=True)
