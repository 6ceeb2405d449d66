"""What a sweep of Hydra's lacks: all its points are checked before the first one starts, and it ends with an summary of each.

The summary is read from the run directories, so it holds whatever launched the jobs, and on whichever machine.
"""

import copy
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import hydra
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.plugins.sweeper import Sweeper
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from aevb.cli.experiment_sweep import jobs
from aevb.config import CONF
from aevb.errors import UserError
from aevb.execution.lifetime import LAUNCHER
from aevb.execution.pool import GRACE
from aevb.runs.lock import is_locked, signal_owner
from aevb.runs.status import Row, row

__all__ = [
    "Checked",
    "PlannedRun",
    "Sweep",
    "SweepPoint",
    "groups_of",
    "name_of",
    "points",
    "record_failure",
    "stopped",
]


@dataclass(frozen=True)
class PlannedRun:
    """What a job would do.

    directory: of its run. planned_action: new, resume, extend or done. max_samples: its budget. check_data: reads its data; raises
    UserError.
    """

    directory: Path
    planned_action: str
    max_samples: int
    check_data: Callable[[], object]


@dataclass(frozen=True)
class SweepPoint:
    """A point of a sweep. name: its overrides. label: those in which it differs. plan: None for what makes no run."""

    name: str
    label: str
    plan: PlannedRun | None


Check = Callable[[DictConfig, dict[str, Any], str], PlannedRun | None]
"""Config, options chosen, name of the primary config -> plan; raises UserError."""


class Checked(Exception):
    """All points are good, and checking was all that was asked for."""


@dataclass
class Sweep:
    """The points of a command line that is about to be run, if it is a sweep.

    check: what a point must pass. only: stop after checking. notes: a file in which jobs, perhaps in other processes, say why
    they ended.
    """

    check: Check
    only: bool
    notes: Path
    points: list[SweepPoint] = field(default_factory=list)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While this holds, Hydra's sweeper starts nothing before every point has passed."""
        before = Sweeper.validate_batch_is_legal

        def validate(sweeper: Any, batch: Sequence[Sequence[str]]) -> None:
            if not self.points:  # the first batch: all are checked then
                every = [list(overrides) for part in sweeper.overrides for overrides in part]
                self.points = _checked(sweeper.hydra_context.config_loader, sweeper.config, every, self.check)
                if self.only:
                    raise Checked
                launcher = str(sweeper.config.hydra.launcher._target_)
                if "Slurm" not in launcher:  # what lies on this machine says nothing about others
                    _check_data(self.points)
                if "Joblib" in launcher or "Local" in launcher:
                    self._stand_in()

        Sweeper.validate_batch_is_legal = validate  # type: ignore[method-assign,assignment]
        try:
            yield
        finally:
            Sweeper.validate_batch_is_legal = before  # type: ignore[method-assign]

    def _stand_in(self) -> None:
        # joblib knows but one end for the processes of its jobs, SIGKILL to all of them: whoever trains is to save before.
        # submitit would leave its local ones to themselves.
        os.environ[LAUNCHER] = str(os.getpid())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        for again in (signal.SIGTERM, signal.SIGINT):
            signal.signal(again, signal.SIG_IGN)
        _stop_sign(self.notes).touch()
        running = [point.plan.directory for point in self.points if point.plan and is_locked(point.plan.directory)]
        for directory in running:
            signal_owner(directory, number)
        deadline = time.monotonic() + GRACE
        while any(map(is_locked, running)) and time.monotonic() < deadline:
            time.sleep(0.05)
        sys.exit(128 + number)

    def ends(self) -> dict[str, str]:
        """Why jobs ended early, by point."""
        if not self.notes.exists():
            return {}
        return dict(json.loads(line) for line in self.notes.read_text().splitlines())

    def summary(self) -> list[Row]:
        """Where every run of the sweep stands now."""
        ends = self.ends()
        return [
            row(point.plan.directory, point.plan.max_samples, point.label, ends.get(point.name, ""))
            for point in self.points
            if point.plan is not None
        ]


def record_failure(notes: Path, point: str, why: str) -> None:
    """A job that ended early says why. In a file: with a parallel launcher, jobs run in other processes."""
    with notes.open("a") as file:
        file.write(json.dumps([point, " ".join(why.split())]) + "\n")


def stopped(notes: Path) -> bool:
    """Whether the command was told to stop, so that no further job shall begin."""
    return _stop_sign(notes).exists()


def _stop_sign(notes: Path) -> Path:
    return notes.with_name("stopped")


def groups_of(config: Any) -> dict[str, Any]:
    """The option chosen in each of aevb's groups, from what `hydra` holds."""
    choices = OmegaConf.to_container(config.runtime.choices)
    assert isinstance(choices, dict)
    return {str(key): value for key, value in choices.items() if not str(key).startswith("hydra")}


def name_of(config: Any) -> str:
    """A job's overrides as they were typed, from what `hydra` holds: an interpolation among them points into the job's config."""
    return " ".join(map(str, OmegaConf.to_container(config.overrides.task, resolve=False) or []))


def points(overrides: list[str], check: Check, root: str = "train") -> list[SweepPoint]:
    """The points that a command line stands for, checked; raises UserError and Hydra's exceptions."""
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        app = GlobalHydra.instance().hydra
        assert app is not None
        master = app.compose_config(root, overrides, RunMode.MULTIRUN, with_log_configuration=False)
        sweeper = master.hydra.sweeper
        params = [f"{key}={value}" for key, value in (sweeper.get("params") or {}).items()]
        asked = OverridesParser.create(app.config_loader).parse_overrides([*params, *master.hydra.overrides.task])
        if "experiments" in sweeper:
            every = jobs(app.config_loader, sweeper.experiments, sweeper.max_samples, asked)
        else:
            (every,) = BasicSweeper.split_arguments(asked, None)
        return _checked(app.config_loader, master, every, check)


def _checked(loader: Any, master: DictConfig, every: list[list[str]], check: Check) -> list[SweepPoint]:
    found, faults = [], dict[str, list[str]]()
    common = set.intersection(*map(set, every)) if len(every) > 1 else set()
    for overrides in every:
        cfg = copy.deepcopy(loader.load_sweep_config(master, overrides))
        config = cfg.hydra
        with open_dict(cfg):
            OmegaConf.set_readonly(cfg, False)
            del cfg["hydra"]
        label = " ".join(override for override in overrides if override not in common)
        try:
            plan = check(cfg, groups_of(config), str(config.job.config_name))
            found.append(SweepPoint(name_of(config), label, plan))
        except UserError as error:
            for line in str(error).splitlines():
                faults.setdefault(line, []).append(label)
    faults |= {line: [label] for line, label in _collisions(found)}
    _refuse(faults, len(every))
    return found


def _check_data(found: list[SweepPoint]) -> None:
    # Before the first job: what must be downloaded is so once, and no job finds out after hours that its data are damaged.
    faults: dict[str, list[str]] = {}
    for point in found:
        try:
            if point.plan is not None and point.plan.planned_action != "done":
                point.plan.check_data()
        except UserError as error:
            faults.setdefault(str(error), []).append(point.label)
        except Exception:
            continue  # something broke, perhaps in a module of the user's: it stops its own job, with its traceback
    _refuse(faults, len(found))


def _refuse(faults: dict[str, list[str]], count: int) -> None:
    """Raises UserError for `faults`, line -> labels of the points that have it, of `count` points; not if there are none."""
    if faults:
        bad = len({label for labels in faults.values() for label in labels})
        named = [f"{labels[0]}: {line}" for line, labels in faults.items()]
        raise UserError("\n".join([*named, f"{bad} of the sweep's {count} jobs refused; nothing was started"]))


def _collisions(found: list[SweepPoint]) -> Iterator[tuple[str, str]]:
    first: dict[Path, str] = {}
    for point in found:
        if point.plan is None:
            continue
        other = first.setdefault(point.plan.directory, point.label)
        if other is not point.label:
            yield (
                f"{point.plan.directory} is the run of {other} too; allowed: one job to a run; try: only one of them, no name=",
                point.label,
            )
