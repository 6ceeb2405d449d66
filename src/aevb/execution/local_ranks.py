"""Process entry of a run on N devices of this machine: `python -m aevb.execution.local_ranks N RUN_DIR`, one rank each.

It does what torchrun does on one machine. On CPUs the ranks are forked, so that torch is loaded once. The environment of a
rank is torchrun's, whose ranks on several machines are the same workers.

When several ranks fail, mostly one has failed and the others have lost the connection to it: the reason of that one is
printed, once, and its exit code is the answer.
"""

import argparse
import json
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

from aevb import runs
from aevb.console.process_exit import exit_immediately
from aevb.console.signals import STOP_SIGNALS, stop_signals
from aevb.execution.child_process import SignalReceived, stop_children
from aevb.execution.lifetime import exit_with_parent
from aevb.execution.worker_command import trust_flags
from aevb.runs.scratch import scratch

__all__ = ["main"]

STOPPED = tuple(128 + number for number in STOP_SIGNALS)
GRACE = 30.0  # seconds for a rank that was asked to stop
HOST = "127.0.0.1"


def main(arguments: list[str] | None = None) -> int:
    """Execute the command line of the process.

    Args:
        arguments: The arguments; None for those of the process.

    Returns:
        The exit code, as that of a single worker.
    """
    parser = argparse.ArgumentParser(prog="python -m aevb.execution.local_ranks", description=__doc__)
    parser.add_argument("devices", type=int, help="ranks")
    parser.add_argument("directory", type=Path, help="run directory with a config.yaml")
    parser.add_argument("--trust", action="append", default=[], help="module of yours that the config may name")
    parser.add_argument(
        "--fork", action="store_true", help="ranks share the loading of torch; not where devices are opened"
    )
    options = parser.parse_args(arguments)
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    if options.fork:
        import aevb.execution.worker  # noqa: F401
    words = [str(options.directory), *trust_flags(tuple(options.trust))]
    with scratch() as folder, socket.create_server((HOST, 0)) as listener:
        ranks = _begin(options.devices, words, listener, folder, "fork" if options.fork else "spawn")
        exit_with_parent(None)  # after the forks, for it is a thread; the ranks are stopped within GRACE
        number: int = signal.SIGTERM
        try:
            store = _store(listener)
            ends = _first_ends(ranks)
        except SignalReceived as received:
            number = received.number
            return 128 + number
        finally:
            for again in stop_signals():
                signal.signal(again, signal.SIG_IGN)  # the ranks are being stopped already
            stop_children(ranks, number, GRACE)
        del store
        return _answer(options.directory, _with_reasons(ends, ranks, folder)) if ends else 0


def _begin(devices: int, words: Sequence[str], listener: socket.socket, folder: Path, method: str) -> list[BaseProcess]:
    """Processes that have been started; from then on stop signals raise `SignalReceived` here."""

    def receive(number: int, frame: FrameType | None) -> None:
        raise SignalReceived(number)

    context = multiprocessing.get_context(method)
    environment = {
        "WORLD_SIZE": str(devices),
        "LOCAL_WORLD_SIZE": str(devices),
        "MASTER_ADDR": HOST,
        "MASTER_PORT": str(listener.getsockname()[1]),
        "TORCHELASTIC_RUN_ID": folder.name,
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "TORCHELASTIC_RESTART_COUNT": "0",
    }
    ranks: list[BaseProcess] = []
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)  # until a child has handlers of its own
    for number in stop_signals():
        signal.signal(number, receive)
    for rank in range(devices):
        own = {"RANK": str(rank), "LOCAL_RANK": str(rank), "TORCHELASTIC_ERROR_FILE": str(_reason_file(folder, rank))}
        process = context.Process(target=_rank, args=(words, environment | own))  # type: ignore[attr-defined]
        process.start()
        ranks.append(process)
    return ranks


def _store(listener: socket.socket) -> object:
    """The store at which the ranks meet. It has threads, so the ranks must have been forked before."""
    from torch.distributed import TCPStore

    port = listener.getsockname()[1]
    store = TCPStore(HOST, port, is_master=True, wait_for_workers=False, master_listen_fd=listener.detach())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    return store


def _rank(words: Sequence[str], environment: Mapping[str, str]) -> None:
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in stop_signals():
            if number != signal.SIGINT:
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        os.environ.update(environment)
        from aevb.execution.worker import main

        code = main([*words])
    except BaseException:
        sys.excepthook(*sys.exc_info())
    exit_immediately(code)


def _first_ends(ranks: Sequence[BaseProcess]) -> dict[int, int]:
    """Wait until all have ended well, or any has not: exit codes of those that have not, by rank."""
    while True:
        codes = {rank: process.exitcode for rank, process in enumerate(ranks)}
        if bad := {rank: code for rank, code in codes.items() if code}:
            return bad
        living = [ranks[rank].sentinel for rank, code in codes.items() if code is None]
        if not living:
            return {}
        wait(living)


def _reason_file(folder: Path, rank: int) -> Path:
    return folder / f"rank-{rank}.json"


def _with_reasons(
    ends: Mapping[int, int], ranks: Sequence[BaseProcess], folder: Path
) -> list[tuple[int, int, str | None]]:
    """Rank, exit code and reason of those that ended badly, and of those that have left a reason since."""
    reasons = {}
    for rank in range(len(ranks)):
        with suppress(OSError, ValueError):  # it has left none, or was killed while it wrote
            reasons[rank] = json.loads(_reason_file(folder, rank).read_text(encoding="utf-8"))["message"]["message"]
    codes = {rank: ranks[rank].exitcode or 1 for rank in reasons} | dict(ends)
    return [(rank, code, reasons.get(rank)) for rank, code in sorted(codes.items())]


def _answer(directory: Path, ends: list[tuple[int, int, str | None]]) -> int:
    """Print the cause and return the exit code, for the ranks that ended badly (rank, exit code, reason)."""
    codes = [code if code > 0 else 128 - code for _, code, _ in ends]
    if set(codes) <= set(STOPPED):
        return codes[0]
    # A refusal says most; a rank that was killed is why the others lost the connection, and one that was stopped is not.
    causes = [end for end, code in zip(ends, codes, strict=True) if code not in STOPPED]
    rank, code, reason = min(causes, key=lambda end: (end[1] != 2, end[1] > 0))
    if reason is None:
        cause = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        reason = f"{directory}: rank {rank} ended early: {cause}"
    runs.mark_failed(directory, f"{reason}\n")  # over what a rank has written that has only lost the connection
    print(reason, file=sys.stderr, flush=True)
    return 2 if code == 2 else 1


if __name__ == "__main__":
    sys.exit(main())
