"""What training a config would do, and a run directory made ready for it: shared by aevb-train, aevb-status and aevb.train."""

import json
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from aevb import runs
from aevb.cli.commands import set_threads
from aevb.cli.job import JobContext
from aevb.cli.sweep import PlannedRun
from aevb.config import label_pitfalls, pitfall_of, run_name, validate, warnings
from aevb.config.identity import IN_THE_NAME
from aevb.config.instantiate import instantiate
from aevb.data.target_convention import TargetConvention
from aevb.errors import UserError
from aevb.runs.data_hashes import check_same_data, record_data
from aevb.runs.data_location import absolute_location, located

__all__ = ["check_data", "forget_data", "plan_run", "print_warning", "record_run", "train_here"]

PROGRAM = "aevb-train"


@cache  # once, however many points of a sweep it concerns
def print_warning(line: str) -> None:
    """Print a warning of aevb-train to standard error, once.

    Args:
        line: The warning.
    """
    print(f"{PROGRAM}: warning: {line}", file=sys.stderr, flush=True)


def plan_run(cfg: DictConfig, context: JobContext, warn: Callable[[str], None] = print_warning) -> PlannedRun:
    """Validate a config and return what its job would do.

    Args:
        cfg: The config, as Hydra composes it.
        context: How the job was asked for.
        warn: Called with each line about a setting that makes the run pointless.

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
    if action != "new" and _is_elsewhere(directory, settings["data"]):
        check_data(settings, directory, context.trusted)
    for line in warnings(settings):
        warn(line)
    return PlannedRun(directory, settings, action, lambda: check_data(settings, directory, context.trusted))


def _is_elsewhere(directory: Path, data: dict[str, Any]) -> bool:
    # Whether the data of a run that exists are now read from another file or folder.
    before = located(directory, runs.read_settings(directory)["data"])
    return absolute_location(data) != absolute_location(before)


def check_data(settings: dict[str, Any], directory: Path, trusted: tuple[str, ...]) -> dict[str, str]:
    """Read the data of a run before torch loads, so that a fault of the data leaves nothing behind.

    Args:
        settings: The validated config.
        directory: The run directory; its data must be the same if it exists.
        trusted: Users' modules that the config may name.

    Returns:
        The sha256 of each split's targets.

    Raises:
        UserError: If the data cannot be read, are not those of the run, or are fewer than a minibatch.
    """
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


def forget_data() -> None:
    """Let `check_data` read files again that may have changed since; for a process that lives longer than a command."""
    _read_data.cache_clear()


def record_run(plan: PlannedRun, hashes: dict[str, str]) -> None:
    """Make the run directory; called with its lock held.

    Args:
        plan: The planned run.
        hashes: The sha256 of the targets of each split.
    """
    runs.prepare(plan.directory, plan.settings)
    record_data(plan.directory, hashes, plan.settings["data"])


def train_here(plan: PlannedRun, trusted: tuple[str, ...]) -> None:
    """Train a prepared run in this process; a new run that is refused leaves nothing behind.

    Args:
        plan: The planned run.
        trusted: Users' modules that its config may name.
    """
    from aevb.training import train_run  # imports torch

    try:
        train_run.run(plan.directory, trusted)
    except UserError:
        if plan.action == "new":
            runs.discard(plan.directory)
        raise
