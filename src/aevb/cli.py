"""The manners of the command line: one clear line for a fault, and an exit code that can be trusted.

Hydra composes, sweeps, completes and helps; its refusals are rewritten here. 0: done. 1: something broke (a traceback says
where), or jobs of a sweep failed. 2: the request was refused.
"""

import importlib.util
import os
import re
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from aevb import guard
from aevb.config import CONF, options
from aevb.errors import UserError
from aevb.refusals import explain

__all__ = ["Call", "Job", "launch"]


class Call(NamedTuple):
    """How a job was asked for.

    trusted: users' modules (--trust). sweeping: one of several jobs. choices: the option chosen in each group.
    config_name: of the primary config.
    """

    trusted: tuple[str, ...]
    sweeping: bool
    choices: dict[str, Any]
    config_name: str

    def compose(self, overrides: list[str]) -> dict[str, Any]:
        """Another config from the same tree, resolved as far as it goes."""
        cfg = hydra.compose(self.config_name, overrides)
        settings = OmegaConf.to_container(cfg, resolve=True)
        assert isinstance(settings, dict)
        return {str(key): value for key, value in settings.items()}


Job = Callable[[DictConfig, Call], None]

guard.install()  # here, because the processes of a parallel launcher import this module and compose


def launch(root: str, job: Job) -> None:
    """Runs `job` on what Hydra composes from conf/<root>.yaml and the command line, once or for every point of a sweep."""
    program = f"aevb-{root}"
    full_error = os.environ.get("HYDRA_FULL_ERROR") == "1"
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing and exiting
    OmegaConf.register_new_resolver("options", lambda group: ", ".join(options(group)), replace=True)
    with tempfile.TemporaryDirectory(prefix="aevb-") as scratch:
        os.environ["AEVB_SCRATCH"] = scratch  # conf/: where Hydra takes notes on a sweep
        faults = Path(scratch) / "faults"  # a file: with a parallel launcher, jobs run in other processes
        try:
            trusted = _take_trusted()
            _flags_first()
            task = _task(program, job, trusted, faults)
            hydra.main(config_path=str(CONF), config_name=root, version_base="1.3")(task)()
        except (HydraException, OmegaConfBaseException, YAMLError, UserError) as error:
            if full_error:
                raise
            if {"-sc", "--shell-completion"} & set(sys.argv):
                sys.exit(2)  # nobody wants to be lectured in the middle of a word
            line = str(error) if isinstance(error, UserError) else explain(error, root, sys.argv[1:])
            _tell(program, line)
            sys.exit(2)
        except KeyboardInterrupt:
            _tell(program, "interrupted; the same command goes on from the last checkpoint")
            sys.exit(130)
        if faults.exists():
            codes = faults.read_text().split()
            if "sweep" in codes:
                _tell(program, f"{len(codes)} of the sweep's jobs failed")
            sys.exit(1 if "sweep" in codes else 2)


def _task(program: str, job: Job, trusted: tuple[str, ...], faults: Path) -> Callable[[DictConfig], None]:
    def task(cfg: DictConfig) -> None:
        config = HydraConfig.get()
        choices = OmegaConf.to_container(config.runtime.choices)
        assert isinstance(choices, dict)
        groups = {str(key): value for key, value in choices.items() if not str(key).startswith("hydra")}
        sweeping = config.mode == RunMode.MULTIRUN
        where = f"{' '.join(config.overrides.task)}: " if sweeping else ""
        try:
            job(cfg, Call(trusted, sweeping, groups, str(config.job.config_name)))
        except UserError as error:
            _tell(program, str(error), where)
        except Exception:
            if not sweeping:
                raise
            traceback.print_exc()
            _tell(program, "failed with the traceback above", where)
        else:
            return
        with faults.open("a") as file:
            file.write("sweep\n" if sweeping else "single\n")

    return task


def _tell(program: str, text: str, where: str = "") -> None:
    for line in text.splitlines():
        print(f"{program}: {where}{line}", file=sys.stderr, flush=True)


def _flags_first() -> None:
    # Hydra wants -m before or after all overrides; people write it where it comes to mind.
    flags = [argument for argument in sys.argv[1:] if argument in ("-m", "--multirun")]
    sys.argv[1:] = flags[:1] + [argument for argument in sys.argv[1:] if argument not in flags]


def _take_trusted() -> tuple[str, ...]:
    # Taken off before Hydra sees the arguments: trust is given by the person at the keyboard, and never by a config.
    # Off the line being completed, too, with the flag that may stand anywhere (see _flags_first).
    os.environ["COMP_LINE"] = re.sub(r"\s(--trust[= ]\S+|-m|--multirun)(?=\s)", "", os.environ.get("COMP_LINE", ""))
    trusted, rest, arguments = [], [], iter(sys.argv[1:])
    for argument in arguments:
        flag, equals, module = argument.partition("=")
        if flag != "--trust":
            rest.append(argument)
            continue
        module = module if equals else next(arguments, "")
        if not all(part.isidentifier() for part in module.split(".")):
            raise UserError(f"--trust {module}: not the name of a module; allowed: a dotted name; try: --trust mypkg")
        trusted.append(module)
    sys.argv[1:] = rest
    if trusted and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # a module beside one's data, as `python -m` would find it
    for module in trusted:
        if importlib.util.find_spec(module.split(".")[0]) is None:
            raise UserError(
                f"--trust {module}: no such module; allowed: one in this folder or installed; try: --trust mypkg"
            )
    return tuple(trusted)
