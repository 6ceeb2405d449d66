"""One job of a command: how it was asked for, and how its errors are reported."""

import copy
import errno
import json
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from aevb.config import options
from aevb.console.printable import printable
from aevb.console.streams import OutputError
from aevb.errors import ReportedError, UserError, resource_error

__all__ = ["Failures", "JobContext", "forget_configs", "print_error", "report_errors"]


OF_A_PATH = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP, errno.EISDIR)
"""What the system says of a path that a user typed."""


@dataclass(frozen=True)
class JobContext:
    """How a job was asked for.

    Attributes:
        trusted: Users' modules that a config may name (`--trust`).
        sweeping: Whether it is one of several jobs.
        choices: The option chosen in each group.
        config_name: Name of the primary config in conf/.
        prepare_only: Whether the run directory is only to be made, not to be trained (`--prepare`).
        overrides: The overrides of the job, `key=value` each.
    """

    trusted: tuple[str, ...]
    sweeping: bool
    choices: dict[str, Any]
    config_name: str
    prepare_only: bool = False
    overrides: tuple[str, ...] = ()

    def names_group(self, group: str) -> bool:
        """Return whether one of the job's overrides chooses the option of a group.

        Args:
            group: The group.
        """
        return any(text.lstrip("+~").partition("=")[0] == group for text in self.overrides)

    def compose_with(self, group: str, option: str) -> DictConfig:
        """Return the config of the job with another option of a group.

        Args:
            group: The group, which none of the overrides names.
            option: The option.

        Raises:
            HydraException: If the other overrides do not go together with the option.
        """
        return hydra.compose(self.config_name, [*self.overrides, f"{group}={option}"])

    def defaults(self, groups: tuple[str, ...], **values: Any) -> dict[str, Any]:
        """Return the config with these options and values, and nothing else chosen.

        Args:
            groups: Groups of which the options chosen for this job are kept.
            values: Keys at the top level, and what they are set to.
        """
        for group in groups:
            if group not in self.choices:  # the defaults list of a file named several
                raise UserError(
                    f"{group}: several options, or none; allowed: one option; try: {group}={options(group)[0]}"
                )
        cfg = copy.deepcopy(_composed(self.config_name, tuple(f"{group}={self.choices[group]}" for group in groups)))
        for key, value in values.items():
            cfg[key] = value
        settings = OmegaConf.to_container(cfg, resolve=True)
        assert isinstance(settings, dict)
        return {str(key): value for key, value in settings.items()}


@cache  # the points of a sweep share it
def _composed(config_name: str, overrides: tuple[str, ...]) -> DictConfig:
    return hydra.compose(config_name, list(overrides))


def forget_configs() -> None:
    """Let the defaults be composed again, from files that may have changed: for a process that outlives a command."""
    _composed.cache_clear()


class Failures:
    """Why jobs of a command ended early; in a file, for with a parallel launcher they run in other processes.

    Args:
        path: The file. `path.with_name("stopped")` marks that the command was asked to stop.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def record(self, point: str, reason: str) -> None:
        """Record that the job of a point ended early.

        Args:
            point: The overrides of the point.
            reason: The error in one line.
        """
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([point, " ".join(reason.split())]) + "\n")

    def read(self) -> dict[str, str]:
        """Return the reasons by point."""
        if not self.path.exists():
            return {}
        return dict(json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines())

    @property
    def stopped(self) -> bool:
        """Whether the command was asked to stop, so that no further job may begin."""
        return self.path.with_name("stopped").exists()

    def stop(self) -> None:
        """Note that no further job may begin."""
        self.path.with_name("stopped").touch()


@contextmanager
def report_errors(program: str, point: str, failures: Failures, sweeping: bool) -> Iterator[None]:
    """Print the errors of a job and record them, so that the other jobs of a sweep continue.

    Args:
        program: Name of the command, which begins each line.
        point: The overrides of the job.
        failures: Where its failure is recorded.
        sweeping: Whether it is one of several jobs. An unexpected error of a single job is raised.
    """
    where = f"{point}: " if sweeping else ""
    try:
        yield
        return
    except UserError as error:
        reason = str(error)
        if not isinstance(error, ReportedError):
            print_error(program, reason, where)
    except OutputError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.filename and error.errno in OF_A_PATH:
            reason = f"{error.filename}: {error.strerror}; allowed: a path that you may use; try: another one"
            print_error(program, reason, where)
        elif (too_little := resource_error(error)) is not None:
            reason = str(too_little)
            print_error(program, reason, where)
        elif sweeping:
            reason = f"{type(error).__name__}: {error}"
            traceback.print_exc()
            print_error(program, "failed with the traceback above", where)
        else:
            raise
    failures.record(point, reason)


def print_error(program: str, text: str, where: str = "") -> None:
    """Print an error after the name of the command, line by line, to standard error.

    Args:
        program: The name of the command.
        text: The error.
        where: The overrides of the point, if it belongs to a sweep.
    """
    for line in text.splitlines():
        print(f"{program}: {printable(where + line)}", file=sys.stderr, flush=True)
