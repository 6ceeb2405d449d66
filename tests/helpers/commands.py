"""The commands as a user runs them: real processes in an empty folder; and configs as Hydra composes them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import hydra
from omegaconf import DictConfig

from aevb.config import CONF, validate
from aevb.execution.forkserver import FIXED, FOLDER, Forked
from aevb.execution.pool import threads

SECONDS = 300
# What the first process of the tests began with, told to the others: conftest.py imports this file before any library that adds
# to the environment, as scikit-learn, Lightning and torch do.
BEGINNING: dict[str, str] = json.loads(
    os.environ.setdefault(
        "AEVB_TESTS_BEGAN_WITH",
        json.dumps({name: value for name, value in os.environ.items() if name.startswith(FIXED)}),
    )
)
REPOSITORY = Path(__file__).parents[2]
TINY = ("data=digits", "max_samples=300", "hidden_dim=5", "latent_dim=2", "logger=none", "evaluator=bound")


def composed(*overrides: str, root: str = "train") -> DictConfig:
    """conf/<root>.yaml with the overrides of a command line."""
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        return hydra.compose(root, list(overrides))


def settings(*overrides: str) -> dict[str, Any]:
    """What aevb-train makes of the overrides."""
    return validate(composed(*overrides))


class Child:
    """A process that is forked from one with torch, if it can be; what `subprocess.Popen` would say and do of it."""

    def __init__(
        self, words: Sequence[str], module: list[str], folder: Path, environment: dict[str, str], out: int, err: int
    ) -> None:
        """words: the command line. module: what `python -m` would do the same. out, err: its standard output and error."""
        environment = as_begun(environment)
        with open(os.devnull) as nothing:
            files = [nothing.fileno(), out, err]
            servers, own = os.environ.get(FOLDER, ""), {**environment, **threads(1)}
            self.process: Forked | subprocess.Popen[bytes] = Forked.of(
                servers, module, own, folder, files
            ) or subprocess.Popen(
                words, cwd=folder, env=environment, stdin=nothing, stdout=out, stderr=err, start_new_session=True
            )
        self.poll, self.wait = self.process.poll, self.process.wait
        self.send_signal, self.kill = self.process.send_signal, self.process.kill

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    @property
    def returncode(self) -> int | None:
        return self.process.returncode


class Started(Child):
    """A command that runs, its output kept."""

    def __init__(self, words: Sequence[str], module: list[str], folder: Path, env: dict[str, str] | None) -> None:
        self.words = list(words)
        self._outputs = TemporaryFile("w+"), TemporaryFile("w+")  # noqa: SIM115  # communicate closes them
        out, err = (file.fileno() for file in self._outputs)
        super().__init__(words, module, folder, {**_clean(), **(env or {})}, out, err)

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
    """The console command aevb-<command>, or torchrun, in `folder`, not waited for."""
    words = [str(Path(sys.executable).with_name(command if command == "torchrun" else f"aevb-{command}")), *arguments]
    return Started(words, ["helpers.console", *words], folder, env)


def aevb(
    command: str, *arguments: str, folder: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs the console command aevb-<command> in `folder`, in a process that is forked from one with torch, if it can be."""
    return started(command, *arguments, folder=folder, env=env).completed()


def python(*words: str, folder: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`python` and `words`, a script, -c PROGRAM or -m and a module of the server's: forked in the same way.

    Not for what is to show that a new process works or loads no more than it needs: `process`.
    """
    module = list(words[1:]) if words[0] == "-m" else ["helpers.console", *words]
    return Started([sys.executable, *words], module, folder, env).completed()


def tool(command: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """scripts/<command>.py, which is the console command aevb-<command>."""
    return python(str(REPOSITORY / "scripts" / f"{command}.py"), *arguments, folder=folder)


def process(
    command: Sequence[str], folder: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Any command, in `folder`."""
    environment = {**_clean(), **(env or {})}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS)


def as_begun(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` without what libraries have added to this process's own.

    No user's shell has that, and no server forks for it: it began before them, and knows its kind by these variables.
    """
    added = [
        name
        for name, value in environment.items()
        if name.startswith(FIXED) and os.environ.get(name) == value != BEGINNING.get(name)
    ]
    return {
        **{name: value for name, value in environment.items() if name not in added},
        **{name: BEGINNING[name] for name in added if name in BEGINNING},
    }


def _clean() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("HYDRA_FULL_ERROR", "AEVB_DATA")}
    return as_begun(kept)
