"""The points of a sweep: composed and checked before the first starts."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.hydra import Hydra
from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Glob, Override, RangeSweep
from hydra.types import RunMode
from omegaconf import DictConfig

from aevb.cli.composition import PointComposer, typed_overrides
from aevb.cli.data_check import DataFacts, check_arguments
from aevb.cli.experiment_sweep import overrides_by_experiment, refuse_grid
from aevb.cli.job import JobContext
from aevb.config import options
from aevb.config.machine import check_machine
from aevb.errors import UserError
from aevb.runs.lifecycle import PlannedAction

__all__ = [
    "NOT_STARTED",
    "Check",
    "PlannedRun",
    "SweepPoint",
    "check_data",
    "check_machines",
    "check_points",
    "compose_master",
    "is_sweep",
]

NOT_STARTED = "nothing was started"
"""What is said of a sweep of which a job is refused."""
LIMIT = 10_000
"""Jobs of a sweep at most: each is composed and checked before the first starts."""

OWN_SWEEPERS = ("BasicSweeper", "ExperimentsSweeper")


@dataclass(frozen=True)
class PlannedRun:
    """What a job would do.

    Attributes:
        directory: The run directory.
        settings: The validated config.
        action: What training does.
        check_data: Reads the data; raises UserError.
        own_data: Whether they are the user's own files, which --check reads too.
        model_choice: The model that was chosen for these files, and why; empty if the user or an experiment chose it.
    """

    directory: Path
    settings: dict[str, Any]
    action: PlannedAction
    check_data: Callable[[], DataFacts]
    own_data: bool = False
    model_choice: str = ""

    @property
    def max_samples(self) -> int:
        """The budget, in training samples."""
        return self.settings["max_samples"]


@dataclass(frozen=True)
class SweepPoint:
    """A point of a sweep.

    Attributes:
        name: All its overrides.
        label: The overrides in which it differs from the other points.
        plan: What its job would do; None for a command that makes no run.
    """

    name: str
    label: str
    plan: PlannedRun | None


Check = Callable[[DictConfig, JobContext], PlannedRun | None]
"""Validates one config; raises UserError."""


def compose_master(application: Hydra, config_name: str, overrides: list[str]) -> DictConfig:
    """Compose the config of a sweep itself, which names its sweeper and launcher.

    Args:
        application: Hydra.
        config_name: The name of the primary config.
        overrides: The overrides of the command line.

    Returns:
        The config with its node `hydra`.
    """
    _refuse_nested(overrides)
    return application.compose_config(config_name, overrides, RunMode.MULTIRUN, with_log_configuration=False)


def _refuse_nested(overrides: list[str]) -> None:
    # Hydra would answer with a type annotation of its own.
    for text in overrides:
        key, _, value = text.partition("=")
        calls = [item for item in _items(value) if re.fullmatch(r"(range|choice|interval|glob)\(.*\)", item)]
        if calls and calls != [value]:
            raise UserError(
                f"{text}: {calls[0]} beside other values; allowed: one of range(...), choice(...), or a list of values; "
                f"try: {key}=0,1,2"
            )


def _check_size(sweeps: list[list[Override]], loader: ConfigLoader) -> None:
    # Before a point is made: a range may have more of them than there is memory, or none.
    jobs = 0
    for overrides in sweeps:
        last = {override.get_key_element(): override for override in overrides}  # the last one of a key counts
        counts = {key: _count(override, loader) for key, override in last.items() if override.is_sweep_override()}
        for key, count in counts.items():
            if count == 0:
                some = ",".join(options(last[key].key_or_group)[:2]) or "0,1,2"
                allowed = f"{last[key].input_line}: no value at all; allowed: at least one, and a step that is not 0"
                raise UserError(f"{allowed}; try: {last[key].key_or_group}={some}")
        jobs += math.prod(counts.values())
        if jobs > LIMIT:
            largest = last[max(counts, key=lambda key: counts[key])]
            raise UserError(
                f"{largest.input_line}: a sweep of {jobs:,} jobs or more; allowed: {LIMIT:,}; try: fewer values"
            )


def _count(override: Override, loader: ConfigLoader) -> int:
    # The values of a key of a sweep.
    values = override.value()
    if isinstance(values, RangeSweep):
        start, stop, step = values.start or 0, values.stop or 0, values.step
        return max(0, math.ceil((stop - start) / step)) if step else 0
    if isinstance(values, Glob):
        return len(values.filter(loader.get_group_options(override.key_or_group)))
    return len(values.list) if isinstance(values, ChoiceSweep) else 1


def _items(value: str) -> Iterator[str]:
    # The parts between commas that are in no bracket.
    depth, start = 0, 0
    for index, character in enumerate(value):
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            yield value[start:index].strip()
            start = index + 1
    yield value[start:].strip()


def is_sweep(master: DictConfig) -> bool:
    """Return whether a config asks for several runs.

    It does so by `hydra.sweeper.params` or by a list of experiments.

    Args:
        master: The config of the sweep itself.
    """
    sweeper = master.hydra.sweeper
    return bool(sweeper.get("params")) or "experiments" in sweeper or master.hydra.mode == RunMode.MULTIRUN


def check_points(
    application: Hydra, master: DictConfig, check: Check, trusted: tuple[str, ...] = ()
) -> list[SweepPoint]:
    """Compose and validate every point.

    Args:
        application: Hydra, initialised.
        master: The config of the sweep (`compose_master`).
        check: Validates one point.
        trusted: Users' modules that a config may name.

    Returns:
        The points; none if they are not known beforehand, because a sweeper that is neither Hydra's nor aevb's chooses them.

    Raises:
        UserError: With the faults of all points, a line each; also for two points that are the same run.
        HydraException: For what cannot be composed.
    """
    loader, sweeper = application.config_loader, master.hydra.sweeper
    if not str(sweeper._target_).endswith(OWN_SWEEPERS):
        return []
    params = [f"{key}={value}" for key, value in (sweeper.get("params") or {}).items()]
    parsed = OverridesParser.create(loader).parse_overrides([*params, *typed_overrides(master.hydra)])
    sweeps = [parsed]
    if "experiments" in sweeper:
        sweeps = overrides_by_experiment(loader, sweeper.experiments, sweeper.max_samples, parsed)
    _check_size(sweeps, loader)
    every: list[list[str]] = []
    for sweep in sweeps:
        (jobs,) = BasicSweeper.split_arguments(sweep, None)  # one batch, for none has a size
        every += jobs

    composer = PointComposer(loader, master)  # type: ignore[arg-type]
    config_name = str(master.hydra.job.config_name)
    common = set.intersection(*map(set, every)) if len(every) > 1 else set()
    swept = {override.get_key_element() for override in parsed if override.is_sweep_override()}
    common = {text for text in common if text.partition("=")[0] not in swept}
    several = [override for override in parsed if override.key_or_group == "experiment"]
    points, faults = [], dict[str, list[str]]()
    for overrides in every:
        cfg, choices = composer.compose(overrides)
        if several and several[-1].is_sweep_override():
            refuse_grid(str(several[-1].input_line), str(choices.get("experiment")), HydraConfig.get().sweeper)
        label = " ".join(override for override in overrides if override not in common)
        context = JobContext(trusted, True, choices, config_name, overrides=tuple(overrides))
        try:
            points.append(SweepPoint(" ".join(overrides), label, check(cfg, context)))
        except UserError as error:
            for line in str(error).splitlines():
                faults.setdefault(line, []).append(label)
    faults |= {line: [label] for line, label in _same_runs(points)}
    _refuse(faults, len(every))
    return points


def check_data(points: list[SweepPoint], read_published: bool = True) -> None:
    """Read the data of every point that is not done.

    A download happens once, before the first job starts.

    Args:
        points: The points of the sweep.
        read_published: Whether published data are read too, or only the arguments of their data sets checked.

    Raises:
        UserError: With the faults of all points, a line each.
    """

    def check(plan: PlannedRun) -> None:
        check_arguments(plan.settings)
        if read_published or plan.own_data:
            plan.check_data()

    _check_unfinished(points, check)


def check_machines(points: list[SweepPoint]) -> None:
    """Refuse points that need an accelerator or a package of a logger that this machine does not have.

    Args:
        points: The points of a sweep that is trained on this machine.

    Raises:
        UserError: With the faults of all points, a line each.
    """
    _check_unfinished(points, lambda plan: check_machine(plan.settings))


def _check_unfinished(points: list[SweepPoint], check: Callable[[PlannedRun], object]) -> None:
    faults: dict[str, list[str]] = {}
    for point in points:
        try:
            if point.plan is not None and point.plan.action != "done":
                check(point.plan)
        except UserError as error:
            faults.setdefault(str(error), []).append(point.label)
        except Exception:
            continue  # something broke, perhaps in a module of the user's: it ends its own job, with its traceback
    _refuse(faults, len(points))


def _refuse(faults: dict[str, list[str]], count: int) -> None:
    # faults: line -> labels of the points that have it; count: of all points.
    if faults:
        bad = len({label for labels in faults.values() for label in labels})
        named = [f"{labels[0]}: {line}" for line, labels in faults.items()]
        raise UserError("\n".join([*named, f"{bad} of the sweep's {count} jobs refused; {NOT_STARTED}"]))


def _same_runs(points: list[SweepPoint]) -> Iterator[tuple[str, str]]:
    first: dict[Path, SweepPoint] = {}
    for index, point in enumerate(points):
        if point.plan is None:
            continue
        other = first.setdefault(point.plan.directory, point)
        if other is not point:
            same = other.label or other.name
            wrong = "is a point of the sweep twice" if other.name == point.name else f"is the run of {same} too"
            jobs_of_it = f"jobs {points.index(other) + 1} and {index + 1}"
            yield (
                f"{point.plan.directory} {wrong} ({jobs_of_it}); allowed: one job for each run; "
                "try: only one of them, no name=",
                point.label or point.name,
            )
