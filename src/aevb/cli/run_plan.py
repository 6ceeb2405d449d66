"""What training a config would do, and a run directory made ready for it: shared by aevb-train, aevb-status and aevb.train."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from aevb import runs
from aevb.cli.data_check import check_data, is_own_data, take_data
from aevb.cli.decoder_choice import choose_decoder
from aevb.cli.job import JobContext
from aevb.cli.sweep import PlannedRun
from aevb.config import label_replaced, pitfall_of, run_name, validate, warnings
from aevb.config.identity import IN_THE_NAME
from aevb.console.imports import without_collection
from aevb.data.torchvision_import import matching_torchvision
from aevb.errors import UserError
from aevb.execution.queue import blocks_at_once
from aevb.files.folders import check_links
from aevb.runs.data_record import absolute_location, located, record_data
from aevb.runs.layout import newest_checkpoint
from aevb.runs.origin import recorded_origins, with_origin
from aevb.runs.settings import OPTION
from aevb.runs.status import has_diverged

__all__ = ["PROGRAM", "discard_refused", "plan_run", "print_warning", "record_run", "train_here"]

PROGRAM = "aevb-train"
NAME_BYTES = 255


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
    settings, choices, model_choice = validate(cfg, context.trusted, overrides=context.overrides), context.choices, ""
    own_data = is_own_data(settings, context.trusted)
    if own_data:
        settings, choices, model_choice = choose_decoder(settings, context)
    _check_options(choices)
    if settings.get("init_from") is None:
        directory = _named(settings, choices, context)
    else:
        settings, directory = _from_origin(settings, choices, context)
    _check_length(directory)
    check_links(directory)
    action = runs.planned_action(directory, settings)
    if action != "new" and _is_elsewhere(directory, settings["data"]):
        check_data(settings, directory, context.trusted, warn)
    for line in warnings(settings):
        warn(line)
    if action == "done":
        take_data(settings)  # which are not needed any more
    return PlannedRun(
        directory,
        settings,
        action,
        lambda: check_data(settings, directory, context.trusted, warn),
        own_data,
        model_choice,
    )


def _named(settings: dict[str, Any], choices: dict[str, Any], context: JobContext) -> Path:
    """The directory of a run, by its name, which is added to the settings together with the choices."""
    # What a run would be if nothing but its short name were asked for.
    short = {key: settings[key] for key in ("latent_dim", "seed")}
    defaults = context.defaults(IN_THE_NAME, **short)
    settings["choices"] = label_replaced(choices, settings, defaults)
    replaced = [group for group in IN_THE_NAME if pitfall_of(settings[group])]
    if replaced and context.choices.get("pitfall"):  # the name says so already
        mistaken = context.defaults(("pitfall",), **short)
        defaults |= {group: mistaken[group] for group in replaced}
    directory = Path(settings["output_dir"]) / "runs" / run_name(settings, defaults)
    settings["name"] = directory.name
    return directory


def _from_origin(settings: dict[str, Any], choices: dict[str, Any], context: JobContext) -> tuple[dict[str, Any], Path]:
    """The settings and the directory of a run that starts from another; one that has weights of its own needs that no longer."""
    try:
        started = with_origin(settings)
    except UserError:
        for digest in recorded_origins(Path(settings["output_dir"]) / "runs", settings["init_from"]):
            if settings.get("init_sha256") in (None, digest):
                earlier = {**settings, "init_sha256": digest}
                directory = _named(earlier, choices, context)
                if _needs_no_origin(directory, earlier):
                    return earlier, directory
        raise
    return started, _named(started, choices, context)


def _needs_no_origin(directory: Path, settings: dict[str, Any]) -> bool:
    with suppress(UserError):  # the directory of another run
        return runs.state(directory) != "missing" and (
            runs.planned_action(directory, settings) == "done" or newest_checkpoint(directory) is not None
        )
    return False


def _check_options(choices: dict[str, Any]) -> None:
    # Hydra would read a file outside its group, whose path is then the name of the option in the records of the run.
    for group, option in choices.items():
        if isinstance(option, str) and not OPTION.fullmatch(option):
            raise UserError(
                f"{group}={option}: not the name of an option; allowed: a file of its group, without '..'; "
                f"try: {group}={option.rpartition('/')[2]}"
            )


def _check_length(directory: Path) -> None:
    # The system does not say so before the folders above exist.
    if any(len(os.fsencode(part)) > NAME_BYTES for part in directory.parts):
        raise UserError(
            f"{directory}: File name too long; allowed: at most {NAME_BYTES} bytes between two slashes; "
            "try: a shorter name= or output_dir="
        )


def _is_elsewhere(directory: Path, data: dict[str, Any]) -> bool:
    # Whether the data of a run that exists are now read from another file or folder.
    before = located(directory, runs.read_settings(directory)["data"])
    return absolute_location(data) != absolute_location(before)


def record_run(plan: PlannedRun, hashes: dict[str, str]) -> None:
    """Make the run directory; called with its lock held.

    Args:
        plan: The planned run.
        hashes: The sha256 of the targets of each split.
    """
    runs.prepare(plan.directory, plan.settings)
    record_data(plan.directory, hashes, plan.settings["data"])


def train_here(plan: PlannedRun, trusted: tuple[str, ...]) -> None:
    """Train a prepared run in this process; a new run that is refused leaves nothing behind (`discard_refused`).

    Args:
        plan: The planned run.
        trusted: Users' modules that its config may name.
    """
    try:
        with without_collection(), matching_torchvision():
            from aevb.training import train_run  # imports torch
        cores = blocks_at_once(None, plan.settings["trainer"]["threads"])
        train_run.run(plan.directory, trusted, data=take_data(plan.settings), cores=cores)
    except UserError:
        discard_refused(plan)
        raise


def discard_refused(plan: PlannedRun) -> None:
    """Remove the directory of a new run whose training was refused; one that diverged stays, with its learning curve.

    Args:
        plan: The planned run.
    """
    if plan.action == "new" and not has_diverged(plan.directory):
        runs.discard(plan.directory)
