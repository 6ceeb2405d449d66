"""What the Hydra commands share."""

import os
from collections.abc import Callable

from omegaconf import DictConfig

from aevb.cli.hydra_app import JobContext
from aevb.config import validate
from aevb.execution import pool

__all__ = ["set_threads", "validates"]


def validates(root: str) -> Callable[[DictConfig, JobContext], None]:
    def check(cfg: DictConfig, call: JobContext) -> None:
        validate(cfg, call.trusted, root)

    return check


def set_threads(count: int) -> None:
    os.environ.update(pool.threads(count))
