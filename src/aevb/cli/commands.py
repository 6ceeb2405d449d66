"""What the commands that Hydra configures share."""

import os
from collections.abc import Callable

from omegaconf import DictConfig

from aevb.cli.job import JobContext
from aevb.config import validate
from aevb.execution.child_process import thread_variables

__all__ = ["set_threads", "validates"]


def validates(root: str) -> Callable[[DictConfig, JobContext], None]:
    """Return a check for configs of conf/<root>.yaml.

    Args:
        root: The name of the primary config.

    Returns:
        A function of a config and the context of its job; it raises UserError with every fault.
    """

    def check(cfg: DictConfig, context: JobContext) -> None:
        validate(cfg, context.trusted, root)

    return check


def set_threads(count: int) -> None:
    """Set the threads of linear algebra of this process, if torch and numpy are not loaded yet.

    Args:
        count: The number of threads.
    """
    os.environ.update(thread_variables(count))
