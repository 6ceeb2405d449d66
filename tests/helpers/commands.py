"""The commands as a user runs them: real processes in an empty folder; and configs as Hydra composes them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig

from aevb.cli.composition import PointComposer, hydra_session
from aevb.cli.sweep import compose_master
from aevb.config import validate
from helpers.fork_server import Forked, as_begun

SECONDS = 300
REPOSITORY = Path(__file__).parents[2]
TINY = (
    "data=digits",
    "max_samples=300",
    "hidden_dim=5",
    "latent_dim=2",
    "logger=none",
    "evaluator=bound",
    "evaluation.start=1",
)


def composed(*overrides: str, root: str = "train") -> DictConfig:
    """conf/<root>.yaml with the overrides of a command line, as a sweep composes its points: options once, values each time."""
    OverridesParser.create().parse_overrides(list(overrides))  # as Hydra does before it splits a sweep into points
    return composer(root).compose(list(overrides))[0]


@cache
def composer(root: str) -> PointComposer:
    """What composes conf/<root>.yaml with overrides."""
    with hydra_session() as application:
        return PointComposer(application.config_loader, compose_master(application, root, []))


def settings(*overrides: str) -> dict[str, Any]:
    """What aevb-train makes of the overrides."""
    return validate(composed(*overrides))


class Started:
    """A command that runs, its output kept.

    It is forked from a process that has loaded torch, where that is possible (helpers.fork_server).
    """

    def __init__(self, words: Sequence[str], folder: Path, env: dict[str, str] | None) -> None:
        self.words, self.began = list(words), time.time()
        self._outputs = TemporaryFile("w+"), TemporaryFile("w+")  # noqa: SIM115  # communicate closes them
        out, err = (file.fileno() for file in self._outputs)
        self.process = start(self.words, folder, {**_clean(), **(env or {})}, out, err)
        self.poll, self.wait = self.process.poll, self.process.wait
        self.send_signal, self.kill = self.process.send_signal, self.process.kill

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    @property
    def returncode(self) -> int | None:
        return self.process.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Waits for its end; its standard output and error. Raises subprocess.TimeoutExpired. Once."""
        self.wait(timeout)
        outputs = []
        for file in self._outputs:
            with file:
                file.seek(0)
                outputs.append(file.read())
        return outputs[0], outputs[1]

    def completed(self) -> subprocess.CompletedProcess[str]:
        """Waits for its end, and ends it if that takes too long."""
        try:
            out, err = self.communicate(SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        return subprocess.CompletedProcess(self.words, self.returncode or 0, out, err)


def start(
    words: Sequence[str], folder: Path, environment: dict[str, str], out: int, err: int
) -> Forked | subprocess.Popen[bytes]:
    """Starts a command, with files for its standard output and error."""
    environment = as_begun(environment)
    if Forked.possible(environment):
        return Forked(words, folder, environment, out, err)
    return subprocess.Popen(
        words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
    )


def started(command: str, *arguments: str, folder: Path, env: dict[str, str] | None = None) -> Started:
    """The console command aevb-<command>, or torchrun, in `folder`, not waited for."""
    name = command if command == "torchrun" else f"aevb-{command}"
    return Started([str(Path(sys.executable).with_name(name)), *arguments], folder, env)


def aevb(
    command: str, *arguments: str, folder: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs the console command aevb-<command> in `folder`, in a process that is forked from one with torch, if it can be."""
    return started(command, *arguments, folder=folder, env=env).completed()


def python(*words: str, folder: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`python` and `words`: a script, -c PROGRAM, or -m and a module with `main(arguments)`; forked in the same way.

    Not for what is to show that a new process works or loads no more than it needs: use `process` there.
    """
    return Started([sys.executable, *words], folder, env).completed()


def tool(command: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """scripts/<command>.py, which is the console command aevb-<command>."""
    return python(str(REPOSITORY / "scripts" / f"{command}.py"), *arguments, folder=folder)


def process(
    command: Sequence[str], folder: Path, env: dict[str, str] | None = None, seconds: float = SECONDS
) -> subprocess.CompletedProcess[str]:
    """Any command, in `folder`."""
    environment = {**_clean(), **(env or {})}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds)


def errors(result: subprocess.CompletedProcess[str]) -> str:
    """Standard error without warnings, such as that a run ends within the optimizer's warm-up."""
    return "".join(line for line in result.stderr.splitlines(keepends=True) if ": warning: " not in line)


def _clean() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("HYDRA_FULL_ERROR", "AEVB_DATA")}
    return as_begun(kept)
