"""Process entry of an ensemble: `python -m aevb.execution.ensemble_worker RUN_DIR RUN_DIR ...` trains several runs together.

Each is an ordinary run in a thread of its own (aevb.training.engines.ensemble). If one fails, the others continue.
"""

import argparse
import signal
import sys
import threading
import traceback
from pathlib import Path
from types import FrameType

from aevb.console.process_exit import exit_immediately
from aevb.console.signals import stop_signals
from aevb.errors import UserError
from aevb.execution.lifetime import exit_with_parent
from aevb.training.callbacks.preemption import Signals
from aevb.training.engines.ensemble import GradientBatcher, Slot
from aevb.training.train_run import run

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Execute the command line of the process.

    Args:
        arguments: The arguments; None for those of the process.

    Returns:
        The exit code: 0 if all runs are done, 2 if one was refused, 1 if one failed otherwise, 128 + number if all were stopped
        by a signal, and have saved.
    """
    parser = argparse.ArgumentParser(prog="python -m aevb.execution.ensemble_worker", description=__doc__)
    parser.add_argument("directories", type=Path, nargs="+", help="run directories with a config.yaml")
    parser.add_argument("--trust", action="append", default=[], help="module of yours that the configs may name")
    options = parser.parse_args(arguments)
    exit_with_parent()
    directories: list[Path] = options.directories
    batcher = GradientBatcher(len(directories))
    signals = [Signals() for _ in directories]
    codes = [0] * len(directories)

    def run_one(index: int) -> None:
        with batcher.run_member(index):
            codes[index] = _exit_code(directories[index], tuple(options.trust), Slot(batcher, index), signals[index])

    def handle(number: int, frame: FrameType | None) -> None:
        for each in signals:
            each.request_stop(number)

    for number in stop_signals():
        signal.signal(number, handle)
    threads = [threading.Thread(target=run_one, args=(index,), name=d.name) for index, d in enumerate(directories)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return next((code for code in codes if code > 128), max(codes))


def _exit_code(directory: Path, trusted: tuple[str, ...], slot: Slot, signals: Signals) -> int:
    """Train one run; returns the exit code that its process would have if it had one."""
    try:
        run(directory, trusted, slot=slot, signals=signals)
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
    exit_immediately(main())
