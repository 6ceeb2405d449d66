"""How long commands take on a folder of many finished runs: `python -m benchmarks.many_runs [--runs 5000] [--old]`.

The runs are made, not trained: configs of MNIST with five latent dimensions and a seed each, with the records that a finished run
has. Each command is timed as a process of its own; the time of its --help is its start-up.
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

from aevb.config import CONF, fingerprint, validate
from aevb.runs import layout
from aevb.runs.lifecycle import mark_done, prepare
from aevb.runs.settings import json_copy, read_settings

__all__ = ["COMMANDS", "make_runs", "measure"]

LATENT_DIMS = (3, 5, 10, 20, 200)
COMMANDS = {
    "status": "aevb-status {runs}",
    "report": "aevb-report {runs} --output {out}/report.html",
    "table": "aevb-figure figure=table runs={runs} output_dir={out}",
    "figure2": "aevb-figure figure=figure2 runs={runs} output_dir={out}",
}


def make_runs(folder: Path, count: int, old: bool = False) -> None:
    """Make `count` finished runs in `folder`.

    Args:
        folder: Where they are made.
        count: How many.
        old: As older versions left them: without a copy of the config in DONE.
    """
    for latent_dim in LATENT_DIMS:
        with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
            settings = validate(
                hydra.compose("train", ["data=mnist", f"latent_dim={latent_dim}", "max_samples=1000000"])
            )
        settings["choices"] = {"data": "mnist", "objective": "sgvb_b", "optimizer": "adagrad"}
        first = folder / f"mnist-sgvb_b-adagrad-z{latent_dim}-s0"
        prepare(first, settings)
        mark_done(first, {"samples_seen": 1000000, "shape": [28, 28], "training_seconds": 60.0, "targets": "grey/255"})
        _write_numbers(first, 0)
        text, done = (first / layout.CONFIG).read_text(), json.loads((first / layout.DONE).read_text())
        for seed in range(1, count // len(LATENT_DIMS)):
            run = folder / f"mnist-sgvb_b-adagrad-z{latent_dim}-s{seed}"
            (run / layout.CHECKPOINTS).mkdir(parents=True)
            (run / layout.CONFIG).write_text(re.sub(r"(?m)^( *)seed: 0$", rf"\g<1>seed: {seed}", text))
            own = {**copy.deepcopy(done), "fingerprint": fingerprint(read_settings(run)), "config": json_copy(run)}
            if old:
                own.pop("config")
            (run / layout.DONE).write_text(json.dumps(own, indent=2))
            _write_numbers(run, seed)


def _write_numbers(run: Path, seed: int) -> None:
    points = [a * 10**power for power in (4, 5) for a in range(1, 10)] + [1000000]
    bounds = [(seen, -130 - 2000 / seen**0.5 - 0.01 * (seed % 89)) for seen in points]
    header = "samples_seen,train_bound,test_bound,test_reconstruction,test_kl,test_log_px\n"
    lines = [f"{seen},{b!r},{b - 0.5!r},{b + 14!r},14.5,{b + 1!r}\n" for seen, b in bounds]
    (run / layout.METRICS).write_text(header + "".join(lines))
    (run / layout.EVALUATIONS).mkdir(exist_ok=True)
    mean = bounds[-1][1]
    for name, quantity in {"bound": "bound", "importance": "log_px"}.items():
        facts = {"name": name, "split": "test", "n": 10000, "mean": mean, "standard_error": 0.3, "quantity": quantity}
        values = {quantity: {"mean": mean, "standard_error": 0.3}}
        record = {**facts, "settings": {"samples": 50}, "targets": "grey/255", "seed": seed, "values": values}
        (run / layout.EVALUATIONS / f"{name}-test.json").write_text(json.dumps(record))


def measure(command: str) -> dict[str, float]:
    """Time a command.

    Args:
        command: The command line, of a console command of this environment.

    Returns:
        Seconds of the whole command, seconds of processor time, and the same of its start-up (--help); and the largest memory of
        any command so far in MiB.
    """
    name, *words = command.split()
    program = str(Path(sys.executable).parent / name)
    costs = {}
    for what, line in {"startup_": [program, "--help"], "": [program, *words]}.items():
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        costs[f"{what}seconds"] = time.perf_counter() - start
        costs[f"{what}cpu_seconds"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        costs[f"{what}mib"] = after.ru_maxrss / 1024
    return costs


def main() -> None:
    """Make the runs, measure, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5000)
    parser.add_argument(
        "--old", action="store_true", help="runs of older versions, without a copy of the config in DONE"
    )
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="make the runs here, and leave them")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        runs = arguments.keep or Path(scratch) / "runs"
        if not runs.is_dir():
            make_runs(runs, arguments.runs, arguments.old)
        costs = {name: measure(line.format(runs=runs, out=scratch)) for name, line in COMMANDS.items()}
        print(json.dumps({"runs": arguments.runs, "old": arguments.old, **costs}, indent=2))


if __name__ == "__main__":
    main()
