"""`python -m aevb.torchrun N RUN_DIR`: torchrun with N ranks of aevb.worker on this machine, and without its noise.

Of several ranks that fail, mostly one has failed and the others have lost it: that one's reason is told, once, and its exit
code is the answer.
"""

import argparse
import logging
import os
import signal
import sys
from pathlib import Path

from aevb import runs
from aevb.scratch import scratch
from aevb.ties import PARENT, tie_to_parent

__all__ = ["main"]

STOPPED = tuple(128 + number for number in (signal.SIGTERM, signal.SIGINT))


def main(arguments: list[str] | None = None) -> int:
    """Runs the ranks and answers as a single worker would."""
    parser = argparse.ArgumentParser(prog="python -m aevb.torchrun", description=__doc__)
    parser.add_argument("devices", type=int, help="ranks")
    parser.add_argument("directory", type=Path, help="run directory with a config.yaml")
    parser.add_argument("--trust", action="append", default=[], help="module of yours that the config may name")
    options = parser.parse_args(arguments)
    tie_to_parent()
    os.environ[PARENT] = str(os.getpid())
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    logging.disable(logging.CRITICAL)  # torchrun's own account of what its ranks did

    from torch.distributed import run as torchrun
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    worker = ["-m", "aevb.worker", str(options.directory), *(f"--trust={name}" for name in options.trust)]
    with scratch() as folder:
        place = ["--standalone", "--local-addr=localhost", f"--log-dir={folder}"]
        try:
            torchrun.main([*place, f"--nproc-per-node={options.devices}", *worker])
        except SignalException as caught:
            return 128 + int(caught.sigval)
        except ChildFailedError as error:
            ends = [
                (rank, failure.exitcode, _reason(failure.error_file_data)) for rank, failure in error.failures.items()
            ]
            return _answer(options.directory, ends)
    return 0


def _reason(data: object) -> str | None:
    try:
        return data["message"]["message"]  # type: ignore[index]
    except (KeyError, TypeError):
        return None


def _answer(directory: Path, ends: list[tuple[int, int, str | None]]) -> int:
    """What to say and answer for the ranks that ended badly, (rank, exit code, reason)."""
    codes = [code if code > 0 else 128 - code for _, code, _ in ends]
    if set(codes) <= set(STOPPED):
        return codes[0]
    # A refusal says most; a rank that was killed says why the others lost it, one that was stopped only that they did.
    told = [end for end, code in zip(ends, codes, strict=True) if code not in STOPPED]
    rank, code, reason = min(told, key=lambda end: (end[1] != 2, end[1] > 0))
    if reason is None:
        cause = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        reason = f"{directory}: rank {rank} ended early: {cause}"
    runs.mark_failed(directory, f"{reason}\n")  # over what a rank has written that only lost the others
    print(reason, file=sys.stderr, flush=True)
    return 2 if code == 2 else 1


if __name__ == "__main__":
    sys.exit(main())
