"""`aevb.train`: aevb-train as a function, for notebooks and scripts.

The config is composed, checked, named and trained as on the command line, so a run has the same name, the same fingerprint
and the same bits. What a command may change in its process (the environment, the settings of torch, Hydra's global state)
belongs to the caller here, and is given back. `sys.argv` is not read: in a notebook it is the kernel's.
"""

import importlib
import inspect
import os
import shlex
import signal
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.singleton import Singleton
from hydra.types import RunMode
from hydra.version import VersionBase
from omegaconf import DictConfig, open_dict

from aevb.cli import hydra_policy
from aevb.cli.composition import chosen_options, hydra_session
from aevb.cli.data_check import check_data, forget_data
from aevb.cli.flags import check_trusted
from aevb.cli.hydra_errors import explain
from aevb.cli.job import JobContext, forget_configs
from aevb.cli.overrides import override
from aevb.cli.run_plan import discard_refused, plan_run, record_run, train_here
from aevb.cli.sweep import PlannedRun, is_sweep
from aevb.cli.unknown_keys import GROUPS
from aevb.cli.user_errors import is_user_error
from aevb.config import options
from aevb.config.static_imports import forget_sources
from aevb.console.environment import COMMAND, ONE_CALL
from aevb.console.progress import without_bars
from aevb.errors import UserError
from aevb.execution import pool
from aevb.execution.child_process import described_end
from aevb.execution.worker_command import WorkerCommand, trust_flags
from aevb.runs.layout import newest_checkpoint
from aevb.runs.lock import lock
from aevb.runs.status import failure_reason

__all__ = ["train_run"]

ARGUMENTS = {"--config-dir": "config_dir='FOLDER'", "-cd": "config_dir='FOLDER'", "--trust": 'trusted=("MODULE",)'}
"""Flags of aevb-train that are arguments here."""


def train_run(
    overrides: Sequence[str],
    settings: dict[str, Any],
    trusted: tuple[str, ...] = (),
    progress: bool = True,
    config_dir: str | PathLike[str] | None = None,
) -> Path:
    """Train a run, resume it, extend it, or find it done.

    Args:
        overrides: `key=value` each, as on the command line of aevb-train.
        settings: Values by key; they come after the overrides.
        trusted: Users' modules that the config may name.
        progress: Whether to show progress bars.
        config_dir: Another directory of configs, searched beside aevb's.

    Returns:
        The run directory.

    Raises:
        UserError: As aevb-train would print it.
        KeyboardInterrupt: After an interruption; the run has saved.
    """
    words = [*map(_checked, overrides), *(override(key, value) for key, value in settings.items())]
    folder = None if config_dir is None else _folder(config_dir)
    command = ["aevb-train", *trust_flags(trusted)]
    command += [] if folder is None else [f"--config-dir={folder}"]
    command += words
    with ONE_CALL, _environment():
        os.environ[COMMAND] = shlex.join(command)
        importlib.invalidate_caches()  # a module that the cell before has written
        forget_sources()
        forget_configs()
        forget_data()
        check_trusted(trusted, 'trusted=("{}",)')
        plan = _plan(words, trusted, folder, command)
        if plan.action != "done":
            with nullcontext() if progress else without_bars():
                _train(plan, trusted)
    return plan.directory


def _checked(word: str) -> str:
    if isinstance(word, Mapping):
        raise UserError(
            f"{type(word).__name__}: not text; allowed: keys and values as arguments; try: aevb.train(**settings)"
        )
    if not isinstance(word, str):
        raise UserError(
            f"{type(word).__name__}: not text; allowed: overrides of aevb-train, as 'latent_dim=2'; data are read from a file; "
            "try: numpy.save('mine.npy', x), then aevb.train(data='array', **{'data.path': 'mine.npy'})"
        )
    if argument := ARGUMENTS.get(word.partition("=")[0]):
        raise UserError(f"{word}: a flag of the command line; allowed: key=value; try: {argument}")
    if word.partition("=")[0] in ("-m", "--multirun"):
        raise UserError(
            f"{word}: a sweep has several runs; allowed: a single run; try: a call of aevb.train for each run"
        )
    if word.startswith("-"):
        flag = word.partition("=")[0]
        raise UserError(f"{word}: no flags here; allowed: key=value; try: aevb-train {flag}, on a command line")
    if "=" not in word and not word.startswith("~"):
        group = next((name for name in GROUPS["train"] if word in options(name)), None)
        remedy = f"{group}={word}" if group else "latent_dim=2"
        raise UserError(f"{word}: not of the form key=value; allowed: overrides of aevb-train; try: '{remedy}'")
    return word


def _folder(config_dir: str | PathLike[str]) -> str:
    if not isinstance(config_dir, str | PathLike):
        raise UserError(f"config_dir={config_dir!r}: no path; allowed: a folder of YAML files; try: config_dir='conf'")
    return os.path.expanduser(fspath(config_dir))


@contextmanager
def _environment() -> Iterator[None]:
    """The environment variables that are set within are as before afterwards."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update({name: value for name, value in before.items() if os.environ.get(name) != value})


@contextmanager
def _hydra() -> Iterator[None]:
    """Hydra as in a new process; what the caller may have initialised is there again afterwards."""
    state = Singleton._instances
    before = {kind: state.pop(kind) for kind in (GlobalHydra, VersionBase) if kind in state}
    try:
        with hydra_policy.installed():
            yield
    finally:
        for kind in (GlobalHydra, VersionBase):
            state.pop(kind, None)
        state.update(before)  # type: ignore[arg-type]


def _plan(words: list[str], trusted: tuple[str, ...], config_dir: str | None, command: list[str]) -> PlannedRun:
    try:
        with _hydra(), hydra_session(config_dir) as application:
            cfg = application.compose_config("train", words, RunMode.RUN)
            if is_sweep(cfg):
                sweeping = [word for word in words if word.lstrip("+").startswith(("experiment=", "hydra"))]
                raise UserError(
                    f"{' '.join(sweeping)}: a sweep of several runs; allowed: a single run; "
                    f"try: {shlex.join(command)}, and aevb.runs() for its table"
                )
            context = JobContext(trusted, False, chosen_options(cfg.hydra), "train", overrides=tuple(words))
            return plan_run(_without_hydra(cfg), context, _warn)
    except Exception as error:
        if isinstance(error, UserError) or not is_user_error(error):
            raise
        line = explain(error, "train", words)
        line = line.replace("-m for one run of each", "one call for each")
        raise UserError(line.replace("--config-dir=", "config_dir=")) from None


def _without_hydra(cfg: DictConfig) -> DictConfig:
    with open_dict(cfg):
        del cfg["hydra"]
    return cfg


def _warn(line: str) -> None:
    # The line of the caller of aevb.train, from whatever depth a check warns.
    level, frame = 1, inspect.currentframe()
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "aevb":
        level, frame = level + 1, frame.f_back
    warnings.warn(line, UserWarning, stacklevel=level)


def _train(plan: PlannedRun, trusted: tuple[str, ...]) -> None:
    here = plan.settings["trainer"]["devices"] == 1
    hashes = check_data(plan.settings, plan.directory, trusted, _warn, keep=here).hashes
    with lock(plan.directory):
        record_run(plan, hashes)
    try:
        if here:
            _train_in_this_process(plan, trusted)
        else:
            _train_in_children(plan, trusted)
    except SystemExit as stop:
        if stop.code == 128 + signal.SIGINT:
            raise KeyboardInterrupt(f"{plan.directory}: interrupted; the same call resumes it") from None
        if plan.settings.get("max_time") is not None and stop.code == 128 + signal.SIGTERM:
            if newest_checkpoint(plan.directory) is None:
                raise UserError(
                    f"max_time={plan.settings['max_time']}: {plan.directory} has no checkpoint yet; allowed: time for one, "
                    "with selection= for a whole trial of a learning rate; try: a longer max_time"
                ) from None
            raise UserError(
                f"max_time={plan.settings['max_time']}: {plan.directory} has saved and is not finished; "
                "try: the same call, which resumes it"
            ) from None
        raise


def _train_in_this_process(plan: PlannedRun, trusted: tuple[str, ...]) -> None:
    from aevb.nn.torch_settings import default_torch_settings  # imports torch

    with default_torch_settings(), warnings.catch_warnings():
        train_here(plan, trusted)


def _train_in_children(plan: PlannedRun, trusted: tuple[str, ...]) -> None:
    code = pool.run_worker(WorkerCommand.of(plan.directory, plan.settings, trusted))
    if code == 2:
        reason = failure_reason(plan.directory)
        discard_refused(plan)
        raise UserError(reason)
    if code != 0:
        raise UserError(
            f"{plan.directory}: the process {described_end(code)}; try: the same call, which resumes from its checkpoint"
        )
