"""The commands as a user runs them: real processes in an empty folder; and configs as Hydra composes them."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig

from aevb.config import CONF, validate

REPOSITORY = Path(__file__).parents[1]
TINY = ("data=digits", "max_samples=300", "hidden_dim=5", "latent_dim=2", "logger=none", "evaluator=bound")


def composed(*overrides: str, root: str = "train") -> DictConfig:
    """conf/<root>.yaml with the overrides of a command line."""
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        return hydra.compose(root, list(overrides))


def settings(*overrides: str) -> dict[str, Any]:
    """What aevb-train makes of the overrides."""
    return validate(composed(*overrides))


def aevb(
    command: str, *arguments: str, folder: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs the console command aevb-<command> in `folder`."""
    return process([str(Path(sys.executable).with_name(f"aevb-{command}")), *arguments], folder, env)


def process(
    command: Sequence[str], folder: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Any command, in `folder`."""
    clean = {key: value for key, value in os.environ.items() if key not in ("HYDRA_FULL_ERROR", "AEVB_DATA")}
    return subprocess.run(
        command, cwd=folder, env={**clean, **(env or {})}, capture_output=True, text=True, timeout=300
    )
