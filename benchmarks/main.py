"""The command line of python -m benchmarks."""

import argparse
import shlex
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console

from aevb.cli.arguments import Arguments, run_command
from aevb.errors import UserError
from aevb.files.atomic import write_json, write_text
from benchmarks.benchmark_model import SMALL, BenchmarkModel
from benchmarks.children import cores
from benchmarks.plan import Plan, full, quick
from benchmarks.results import Row, Speed

__all__ = ["GROUPS", "main"]

GROUPS = ("training", "framework", "sweep", "importance", "evaluators", "startup", "ensemble", "gpu")

ABOUT = """How fast aevb is, as ratios measured side by side: beside loops that people write, beside JAX, and beside the matrix
products alone. Prints a table, writes JSON and a chart. Nothing else should run on the machine meanwhile."""


def main() -> None:
    """Runs the command and leaves with its exit code."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that the children are ended
    run_command("python -m benchmarks", _main)


def _main() -> int:
    arguments = _parser().parse_args()
    plan = _plan(arguments)
    plan.spec.train()  # errors in the data are reported before anything is started
    output: Path = arguments.output
    error = Console(stderr=True)
    with error.status("") as status:

        def report_progress(text: str) -> None:
            status.update(text)

        if arguments.scaling:
            from benchmarks import scaling

            return scaling.main(plan, output, report_progress)
        if arguments.profile:
            from benchmarks import profile

            return profile.main(plan, output, report_progress)
        return _benchmark(plan, arguments, report_progress)


def _benchmark(plan: Plan, arguments: argparse.Namespace, report_progress: Callable[[str], None]) -> int:
    from benchmarks import chart, machine, report

    rows: list[Row] = []
    speeds: list[Speed] = []
    measurements: dict[str, Any] = {}
    record: dict[str, Any] = {
        "command": shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]),
        "quick": arguments.quick,
        "rounds": plan.rounds,
        "recipe": plan.spec.describe(),
        "plan": asdict(plan),
        "machine": machine.describe(),
        "load": {"begin": machine.load(), "end": None},
        "seconds": {},  # that each group took to measure
    }
    for name in arguments.only or GROUPS:
        start = time.perf_counter()
        result = import_module(f"benchmarks.groups.{name}").measure(plan, report_progress)
        record["seconds"][name] = round(time.perf_counter() - start, 1)
        # The goals are about the paper's model.
        rows += result.rows if plan.spec == BenchmarkModel() else [replace(row, goal=None) for row in result.rows]
        speeds += result.speeds
        record["load"]["end"] = machine.load()
        measurements = {"rows": [row.as_dict() for row in rows], "speeds": [speed.as_dict() for speed in speeds]}
        write_json(
            arguments.output / "benchmark.json", {**record, **measurements}
        )  # group by group: hours are not lost by the last
    report.show(record, rows, speeds)
    files = [arguments.output / "benchmark.json"]
    if chart.draw(arguments.output / "benchmark.png", rows, speeds):
        files.append(arguments.output / "benchmark.png")
    if arguments.markdown is not None:
        write_text(arguments.markdown, report.markdown(record, rows, speeds))
        files.append(arguments.markdown)
    if arguments.record:
        from benchmarks import history

        files.append(history.add({**record, **measurements}))
        history.draw(history.CHART, history.records())
        files.append(history.CHART)
    for path in files:
        print(path)
    return 0


def _parser() -> Arguments:
    parser = Arguments("python -m benchmarks", description=ABOUT, allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="rough numbers in two minutes")
    parser.add_argument("--only", type=_groups, metavar="NAME,...", help=f"groups of rows: {', '.join(GROUPS)}")
    parser.add_argument("--rounds", type=_positive, metavar="N", help="of every group (7, with --quick 1)")
    parser.add_argument("--threads", type=_threads, metavar="N,...", help="to train with (2,1, with --quick 2)")
    parser.add_argument(
        "--data", choices=("mnist", "digits"), default="mnist", help="digits: a small model, shows that it runs"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("outputs/benchmark"), metavar="DIR", help="of JSON and chart"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="the tables for docs/")
    parser.add_argument(
        "--record",
        action="store_true",
        help="add the record to results/benchmarks, and draw docs/performance/benchmarks.svg",
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--scaling", action="store_true", help="cost of a step over width, latent size, N, K, members: curves"
    )
    mode.add_argument("--profile", action="store_true", help="where the time of a training step goes")
    return parser


def _plan(arguments: argparse.Namespace) -> Plan:
    plan = quick() if arguments.quick else full()
    if arguments.data == "digits":
        plan = replace(plan, spec=SMALL)
    if arguments.rounds is not None:
        plan = replace(plan, rounds=arguments.rounds)
    if arguments.threads is not None:
        plan = replace(plan, threads=arguments.threads)
    return plan


def _groups(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    for name in names:
        if name not in GROUPS:
            close = get_close_matches(name, GROUPS, n=1, cutoff=0.5) or GROUPS
            raise UserError(f"--only {text}: no group {name}; allowed: {', '.join(GROUPS)}; try: --only {close[0]}")
    return names


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise UserError(f"--rounds {text}: allowed: an integer >= 1; try: --rounds 7")
    return int(text)


def _threads(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.isdecimal() and 1 <= int(part) <= cores() for part in parts):
        raise UserError(
            f"--threads {text}: allowed: integers from 1 to {cores()}, the processors here; try: --threads 1"
        )
    return tuple(map(int, parts))
