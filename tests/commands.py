"""The commands as a user runs them: real processes in an empty folder; and configs as Hydra composes them."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import hydra
from omegaconf import DictConfig

from aevb.child import threads
from aevb.config import CONF, validate
from aevb.forkserver import FOLDER, Forked

SECONDS = 300
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
    """Runs the console command aevb-<command> in `folder`, in a process that is forked from one with torch, if it can be."""
    words = [str(Path(sys.executable).with_name(f"aevb-{command}")), *arguments]
    environment = {**_clean(), **(env or {})}
    with TemporaryFile("w+") as out, TemporaryFile("w+") as err, open(os.devnull) as nothing:
        files = [file.fileno() for file in (nothing, out, err)]
        child = Forked.of(os.environ.get(FOLDER, ""), ["console", *words], {**environment, **threads(1)}, folder, files)
        if child is None:
            return process(words, folder, env)
        try:
            code = child.wait(SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            raise
        out.seek(0), err.seek(0)
        return subprocess.CompletedProcess(words, code, out.read(), err.read())


def process(
    command: Sequence[str], folder: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Any command, in `folder`."""
    environment = {**_clean(), **(env or {})}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS)


def _clean() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key not in ("HYDRA_FULL_ERROR", "AEVB_DATA")}
