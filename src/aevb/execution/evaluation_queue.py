"""Evaluations of several runs, as many at once as there are cores; those of one run one after another."""

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from aevb.console.streams import OutputError
from aevb.execution import pool
from aevb.execution.child_process import described_end
from aevb.execution.queue import available_cores
from aevb.execution.worker_command import WorkerCommand, trust_flags

__all__ = ["EndedEvaluation", "evaluate_in_parallel"]


class EndedEvaluation(NamedTuple):
    """The end of an evaluation.

    Attributes:
        position: Its index in the queue.
        reason: Why it failed; empty if it did not.
    """

    position: int
    reason: str


def evaluate_in_parallel(
    queue: Sequence[dict[str, Any]], trusted: tuple[str, ...], cores: int | None = None
) -> Iterator[EndedEvaluation]:
    """Evaluate every run in a process of its own.

    Args:
        queue: Validated configs of aevb-evaluate, each with one `run`.
        trusted: Users' modules that a config may name.
        cores: The number of cores to keep busy; None for all that this process may use.

    Yields:
        The end of each evaluation, when the process of its run has ended.

    Raises:
        OutputError: A process could not write to standard output.
    """
    from aevb.console.progress import show_child_bars  # here: a command that only checks does not wait for rich

    groups: dict[Path, dict[int, dict[str, Any]]] = {}
    for index, settings in enumerate(queue):
        groups.setdefault(Path(settings["run"]).resolve(), {})[index] = settings
    with tempfile.TemporaryDirectory(prefix="aevb-evaluations-", ignore_cleanup_errors=True) as folder:
        files = [Path(folder) / f"{number}.jsonl" for number in range(len(groups))]
        commands = [_command(group, file, trusted) for group, file in zip(groups.values(), files, strict=True)]
        with show_child_bars():
            for number, code in pool.run_workers(commands, cores or available_cores()):
                yield from _ends(list(groups.values())[number], files[number], code)


def _command(group: dict[int, dict[str, Any]], results: Path, trusted: tuple[str, ...]) -> WorkerCommand:
    threads = max(settings["threads"] for settings in group.values())
    arguments = [json.dumps(group), str(results), *trust_flags(trusted)]
    return WorkerCommand("aevb.execution.evaluation_worker", arguments, threads, threads, True)


def _ends(group: dict[int, dict[str, Any]], results: Path, code: int) -> Iterator[EndedEvaluation]:
    lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    ended = [json.loads(line) for line in lines]
    for _, _, number in ended:
        if number:
            raise OutputError(number, os.strerror(number))
    reasons = {int(identifier): reason for identifier, reason, _ in ended}
    died = f"the process {described_end(code)}; try: the same command, which resumes it"
    for index in group:
        yield EndedEvaluation(index, reasons.get(index, died))
