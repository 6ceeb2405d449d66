"""aevb-train as kill_harness.py kills it: the run notes what it is doing.

    python scripts/killed_run.py command NOTES OVERRIDES...
    python -m killed_run ranks NOTES ARGUMENTS...      # what that command starts for several ranks

NOTES is a file of two bytes for each rank, shared as memory, so that what a kill fell upon is known without asking. One byte
is of the thread that trains ("s" while the run is starting, "b" in a block of minibatches, "o" otherwise), the other of the
thread that writes ("c" while it writes a checkpoint).
"""

import functools
import mmap
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["main", "process_file"]


def process_file(phase: Path, rank: int) -> Path:
    """Where a rank writes its process id."""
    return phase.with_suffix(f".{rank}")


def noting(phase: Path, rank: int) -> None:
    """From now on this process notes in the two bytes of its rank in `phase` what it trains and what it writes."""
    process_file(phase, rank).write_text(str(os.getpid()))
    from aevb.training.checkpoints.io import DurableCheckpointIO
    from aevb.training.module import Training

    with phase.open("r+b") as file:
        note = mmap.mmap(file.fileno(), 0)  # the bytes outlive the process without a system call

    def noted(function: Callable[..., Any], letter: str, position: int) -> Callable[..., Any]:
        @functools.wraps(function)  # Lightning looks at the arguments
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            note[position : position + 1] = letter.encode()
            try:
                return function(*args, **kwargs)
            finally:
                note[position : position + 1] = b"o"

        return wrapper

    save = DurableCheckpointIO.save_checkpoint
    Training.training_step = noted(Training.training_step, "b", 2 * rank)  # type: ignore[method-assign]
    DurableCheckpointIO.save_checkpoint = noted(save, "c", 2 * rank + 1)  # type: ignore[method-assign]


def child(phase: Path, arguments: list[str]) -> None:
    """aevb-train, which notes what it is doing where it trains itself, and whose ranks note it too."""
    from aevb.cli.train import train
    from aevb.execution.worker_command import WorkerCommand

    if "trainer=ddp" not in arguments:
        noting(phase, 0)
    start = WorkerCommand.of

    def of(*run: Any) -> WorkerCommand:
        command = start(*run)
        return command._replace(module="killed_run", arguments=["ranks", str(phase), *command.arguments])

    WorkerCommand.of = staticmethod(of)  # type: ignore[method-assign,assignment]
    sys.argv[1:] = arguments
    train()


def noting_ranks(phase: Path, arguments: list[str]) -> int:
    """`python -m aevb.execution.local_ranks N DIR`, whose ranks note."""
    import aevb.execution.local_ranks

    rank = aevb.execution.local_ranks._rank

    def noted(words: Sequence[str], environment: Mapping[str, str]) -> None:
        noting(phase, int(environment["RANK"]))
        rank(words, environment)

    aevb.execution.local_ranks._rank = noted
    return aevb.execution.local_ranks.main(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; the exit code."""
    kind, phase, *rest = sys.argv[1:] if arguments is None else arguments
    if kind == "ranks":
        return noting_ranks(Path(phase), rest)
    child(Path(phase), rest)
    return 0


if __name__ == "__main__":
    sys.exit(main())
