"""`python -m aevb.ensemble RUN_DIR RUN_DIR ...`: executes resolved run directories together, in one process.

Each is an ordinary run in a thread of its own (aevb.training.engines.stack): one that fails leaves, the others go on.
"""

import argparse
import signal
import sys
import threading
import traceback
from pathlib import Path
from types import FrameType

from aevb.errors import UserError
from aevb.ties import leave, tie_to_parent
from aevb.training.engines.stack import Seat, Stack
from aevb.training.preempt import NUMBERS, Signals
from aevb.worker import run

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """0: all are done. 2: one was refused. 1: one failed otherwise. 128 + signal: all were stopped by it, and saved."""
    parser = argparse.ArgumentParser(prog="python -m aevb.ensemble", description=__doc__)
    parser.add_argument("directories", type=Path, nargs="+", help="run directories with a config.yaml")
    parser.add_argument("--trust", action="append", default=[], help="module of yours that the configs may name")
    options = parser.parse_args(arguments)
    tie_to_parent()
    directories: list[Path] = options.directories
    stack = Stack(len(directories))
    signals = [Signals() for _ in directories]
    codes = [0] * len(directories)

    def live(place: int) -> None:
        with stack.turn(place):
            codes[place] = _end(directories[place], tuple(options.trust), Seat(stack, place), signals[place])

    def hear(number: int, frame: FrameType | None) -> None:
        for each in signals:
            each.tell(number)

    for number in NUMBERS:
        signal.signal(number, hear)
    threads = [threading.Thread(target=live, args=(place,), name=d.name) for place, d in enumerate(directories)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return next((code for code in codes if code > 128), max(codes))


def _end(directory: Path, trusted: tuple[str, ...], seat: Seat, signals: Signals) -> int:
    try:
        run(directory, trusted, seat=seat, signals=signals)
    except UserError as error:
        print(f"{directory}: {error}", file=sys.stderr, flush=True)
        return 2
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except BaseException:
        print(f"{directory}:\n{traceback.format_exc()}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    leave(main())
