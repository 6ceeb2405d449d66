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


def forked(module: list[str], folder: Path, env: dict[str, str], files: Sequence[int]) -> Forked | None:
    """`python -m` and the words of `module`, forked from the tests' server, on one thread; None if there is no such server."""
    return Forked.of(os.environ.get(FOLDER, ""), module, {**env, **threads(1)}, folder, files)


class Started:
    """A command that runs, its output kept; what `subprocess.Popen` would say and do of it."""

    def __init__(self, words: Sequence[str], module: list[str], folder: Path, env: dict[str, str] | None) -> None:
        self._outputs = TemporaryFile("w+"), TemporaryFile("w+")  # noqa: SIM115  # communicate closes them
        environment = {**_clean(), **(env or {})}
        out, err = (file.fileno() for file in self._outputs)
        with open(os.devnull) as nothing:
            files = [nothing.fileno(), out, err]
            child = forked(module, folder, environment, files)
        self.words = list(words)
        self._child = child or subprocess.Popen(
            words, cwd=folder, env=environment, stdin=files[0], stdout=out, stderr=err
        )
        self.poll, self.wait = self._child.poll, self._child.wait
        self.send_signal, self.kill = self._child.send_signal, self._child.kill

    @property
    def returncode(self) -> int | None:
        return self._child.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Waits for its end; its standard output and error. Raises subprocess.TimeoutExpired. Once."""
        self.wait(timeout)
        said = []
        for file in self._outputs:
            with file:
                file.seek(0)
                said.append(file.read())
        return said[0], said[1]

    def completed(self) -> subprocess.CompletedProcess[str]:
        """Waits for its end, and ends it if that takes too long."""
        try:
            out, err = self.communicate(SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        return subprocess.CompletedProcess(self.words, self.returncode or 0, out, err)


def started(command: str, *arguments: str, folder: Path, env: dict[str, str] | None = None) -> Started:
    """The console command aevb-<command> in `folder`, in a process that is forked from one with torch, if it can be."""
    words = [str(Path(sys.executable).with_name(f"aevb-{command}")), *arguments]
    return Started(words, ["console", *words], folder, env)


def aevb(
    command: str, *arguments: str, folder: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs the console command aevb-<command> in `folder`, in a process that is forked from one with torch, if it can be."""
    return started(command, *arguments, folder=folder, env=env).completed()


def python(*words: str, folder: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`python` and `words`, a script, -c PROGRAM or -m and a module of the server's: forked in the same way.

    Not for what is to show that a new process works or loads no more than it needs: `process`.
    """
    module = list(words[1:]) if words[0] == "-m" else ["console", *words]
    return Started([sys.executable, *words], module, folder, env).completed()


def process(
    command: Sequence[str], folder: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Any command, in `folder`."""
    environment = {**_clean(), **(env or {})}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS)


def _clean() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key not in ("HYDRA_FULL_ERROR", "AEVB_DATA")}
