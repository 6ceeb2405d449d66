"""Process entry of one run: `python -m aevb.execution.worker RUN_DIR`. Hydra is not imported."""

import argparse
import json
import os
import sys
import time
import traceback
from pathlib import Path

from aevb.errors import UserError
from aevb.execution.lifetime import exit_immediately, exit_with_parent
from aevb.training.multi_device import Ranks
from aevb.training.train_run import run

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """The command line of a child process; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m aevb.execution.worker", description=__doc__)
    parser.add_argument("directory", type=Path, help="run directory with a config.yaml")
    parser.add_argument("--trust", action="append", default=[], help="module of yours that the config may name")
    options = parser.parse_args(arguments)
    exit_with_parent()
    try:
        run(options.directory, tuple(options.trust), Ranks.of_torchrun())
    except UserError as error:
        _tell(f"{options.directory}: {error}")
        return 2
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except Exception:
        _tell(traceback.format_exc())
        return 1
    return 0


def _tell(reason: str) -> None:
    # To whoever started the ranks, if it has asked, who may know of a rank with a better reason; else to the person.
    file = os.environ.get("TORCHELASTIC_ERROR_FILE")
    if file is None:
        print(reason, file=sys.stderr, flush=True)
        return
    told = {"message": reason, "extraInfo": {"timestamp": str(int(time.time()))}}
    Path(file).write_text(json.dumps({"message": told}))


if __name__ == "__main__":
    exit_immediately(main())
