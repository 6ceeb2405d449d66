"""Process entry of one run: `python -m aevb.execution.worker RUN_DIR`, also as a rank of torchrun. Hydra is not imported."""

import argparse
import json
import os
import sys
import time
import traceback
from pathlib import Path

from aevb.console.process_exit import exit_immediately
from aevb.console.signals import Stopped
from aevb.console.streams import prepare_streams
from aevb.data.torchvision_import import matching_torchvision
from aevb.errors import UserError
from aevb.execution.lifetime import exit_with_parent
from aevb.training.multi_device import Ranks

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Execute the command line of the process.

    Args:
        arguments: The arguments; None for those of the process.

    Returns:
        The exit code: 0 if the run is done, 2 if it was refused, 1 if it failed otherwise, 128 + number after a stop signal.
    """
    parser = argparse.ArgumentParser(prog="python -m aevb.execution.worker", description=__doc__)
    parser.add_argument("directory", type=Path, help="run directory with a config.yaml")
    parser.add_argument("--trust", action="append", default=[], help="module of yours that the config may name")
    options = parser.parse_args(arguments)
    exit_with_parent()
    try:
        with matching_torchvision():
            from aevb.training.train_run import run  # imports Lightning
        run(options.directory, tuple(options.trust), Ranks.of_torchrun())
    except UserError as error:
        _report(f"{options.directory}: {error}")
        return 2
    except SystemExit as stop:
        if arguments is None and isinstance(stop, Stopped) and not stop.is_said:  # no other process says so
            print(f"{options.directory}: {stop}; the same command begins again", file=sys.stderr, flush=True)
        return stop.code if isinstance(stop.code, int) else 1
    except Exception:
        _report(traceback.format_exc())
        return 1
    return 0


def _report(reason: str) -> None:
    # To the process that started the ranks, if it asks for a file: another rank may have the cause. Else to standard error.
    file = os.environ.get("TORCHELASTIC_ERROR_FILE")
    if file is None:
        print(reason, file=sys.stderr, flush=True)
        return
    message = {"message": reason, "extraInfo": {"timestamp": str(int(time.time()))}}
    Path(file).write_text(json.dumps({"message": message}), encoding="utf-8")


if __name__ == "__main__":
    prepare_streams()
    exit_immediately(main())
