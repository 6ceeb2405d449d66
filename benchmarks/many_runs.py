"""How long aevb-status takes on many finished runs: `python -m benchmarks.many_runs [--runs 5000] [--old]`.

The runs are made, not trained: copies of one config with a seed each, with the records that a finished run has.
"""

import argparse
import copy
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import hydra

from aevb.config import CONF, validate
from aevb.runs import layout
from aevb.runs.run import mark_done, prepare
from aevb.runs.settings import json_copy

__all__ = ["make_runs", "measure"]


def make_runs(folder: Path, count: int, old: bool = False) -> None:
    """Make `count` finished runs in `folder`.

    Args:
        folder: Where they are made.
        count: How many.
        old: As older versions left them: without a copy of the config in DONE.
    """
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        settings = validate(hydra.compose("train", ["data=digits", "max_samples=1000"]))
    settings["choices"] = {"data": "digits", "objective": "sgvb_b", "optimizer": "adagrad"}
    first = folder / "first"
    prepare(first, settings)
    mark_done(first, {"samples_seen": 1000, "shape": [8, 8], "training_seconds": 1.0, "evaluation_seconds": 1.0})
    text, done = (first / layout.CONFIG).read_text(), json.loads((first / layout.DONE).read_text())
    for seed in range(1, count):
        run = folder / f"digits-sgvb_b-adagrad-z2-s{seed}"
        (run / layout.CHECKPOINTS).mkdir(parents=True)
        raw = re.sub(r"(?m)^seed: 0$", f"seed: {seed}", text)
        (run / layout.CONFIG).write_text(raw)
        own = copy.deepcopy(done)
        if old:
            own.pop("config")
        else:
            own["config"] = json_copy(run)
        (run / layout.DONE).write_text(json.dumps(own, indent=2))
        rows = "".join(f"{seen},-20.5,-21.5,-20.0,1.5,-19.5\n" for seen in range(100, 1100, 100))
        (run / layout.METRICS).write_text(
            "samples_seen,train_bound,test_bound,test_reconstruction,test_kl,test_log_px\n" + rows
        )


def measure(folder: Path) -> dict[str, float]:
    """Time aevb-status on a folder.

    Returns:
        Seconds of the whole command and of its start-up (--help), seconds of processor time beyond start-up, and the largest
        memory in MiB.
    """
    command = [sys.executable, "-c", "from aevb.cli.status import status; status()"]
    costs = {}
    for name, words in {"startup": ["--help"], "status": [str(folder)]}.items():
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run([*command, *words], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        costs[f"{name}_seconds"] = time.perf_counter() - start
        costs[f"{name}_cpu_seconds"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        costs[f"{name}_mib"] = after.ru_maxrss / 1024
    return costs


def main() -> None:
    """Make the runs, measure, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5000)
    parser.add_argument(
        "--old", action="store_true", help="runs of older versions, without a copy of the config in DONE"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make_runs(Path(folder), arguments.runs, arguments.old)
        print(json.dumps({"runs": arguments.runs, "old": arguments.old, **measure(Path(folder))}, indent=2))


if __name__ == "__main__":
    main()
