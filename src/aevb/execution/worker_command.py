"""What a child process executes: a module of aevb.execution, its command line, and the cores that it keeps busy."""

import multiprocessing
import sys
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["SHARED", "WorkerCommand", "thread_variables", "trust_flags"]

SHARED = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
"""How `multiprocessing` starts several children that need the same modules."""

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class WorkerCommand(NamedTuple):
    """What a child process does: `python -m MODULE ARGUMENTS`.

    Attributes:
        module: A module with `main(arguments) -> exit code`.
        arguments: Its command line.
        cores: How many cores it keeps busy.
        threads: Threads of its linear algebra, or of that of each of its ranks.
        forkable: Whether it uses no device that might have been opened before it is forked.
    """

    module: str
    arguments: list[str]
    cores: int
    threads: int
    forkable: bool = False

    @staticmethod
    def of(directory: Path, settings: dict[str, Any], trusted: tuple[str, ...]) -> "WorkerCommand":
        """Return the command that executes the run in a directory.

        Args:
            directory: The run directory, with a config.yaml.
            settings: What its config says.
            trusted: Users' modules that its config may name.
        """
        trainer = settings["trainer"]
        devices, threads = trainer["devices"], trainer["threads"]
        on_cpu = trainer["accelerator"] == "cpu"
        flags = trust_flags(trusted)
        # Nobody knows how many runs fit on a GPU: it is given to one after another.
        cores = devices * threads if on_cpu else sys.maxsize
        if devices == 1:
            return WorkerCommand("aevb.execution.worker", [str(directory), *flags], cores, threads, on_cpu)
        if on_cpu and SHARED != "spawn":
            flags.append("--fork")
        arguments = [str(devices), str(directory), *flags]
        return WorkerCommand("aevb.execution.local_ranks", arguments, cores, threads)

    @staticmethod
    def together(commands: "list[WorkerCommand]") -> "WorkerCommand":
        """Return the command that executes several runs in one process, on one device each.

        The process is aevb.execution.ensemble_worker.

        Args:
            commands: The commands of the single runs.
        """
        first = commands[0]
        if len(commands) == 1:
            return first
        arguments = [*(command.arguments[0] for command in commands), *first.arguments[1:]]
        return first._replace(module="aevb.execution.ensemble_worker", arguments=arguments)


def trust_flags(trusted: tuple[str, ...]) -> list[str]:
    """Return the arguments by which a process trusts users' modules.

    Args:
        trusted: The modules.
    """
    return [f"--trust={name}" for name in trusted]


def thread_variables(count: int) -> dict[str, str]:
    """Return the environment variables that set the threads of linear algebra of a process.

    They are read when torch is loaded.

    Args:
        count: The number of threads.
    """
    return dict.fromkeys(THREADS, str(count))
