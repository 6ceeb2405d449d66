"""Where the time of a training step goes: torch's profiler over a real run, sorted into matrix products, Adagrad and the rest.

Profiling itself takes time, the more the more operations there are: shares of small operations and of what is outside torch are
upper bounds. The time of a step without the profiler, from the same run, stands beside it.
"""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from aevb.files.atomic import write_json
from aevb.runs.run import Run
from benchmarks import machine, profiled
from benchmarks.children import execute
from benchmarks.plan import Plan
from benchmarks.report import console

__all__ = ["KINDS", "kind", "main", "shares"]

KINDS = ("matrix products", "Adagrad", "other operations", "outside torch: Python, Lightning, noise, order")
MATMUL_OPERATIONS = {
    f"aten::{name}" for name in ("mm", "addmm", "bmm", "baddbmm", "matmul", "linear", "mv", "addmv", "dot")
}
TOP = 14


def kind(operation: str) -> str:
    """Which of KINDS an operation of torch belongs to."""
    if operation in MATMUL_OPERATIONS or operation.startswith(("mkldnn::", "aten::mkldnn_")):
        return KINDS[0]
    # What the profiler calls Optimizer.step is the Python around the fused operation.
    return KINDS[1] if "adagrad" in operation.lower() else KINDS[2]


def shares(measurement: dict[str, Any]) -> dict[str, float]:
    """Milliseconds of a step by kind."""
    milliseconds = dict.fromkeys(KINDS, 0.0)
    for name, seconds, _ in measurement["operations"]:
        milliseconds[kind(name)] += 1e3 * seconds / measurement["steps"]
    inside = sum(milliseconds.values())
    milliseconds[KINDS[-1]] = max(0.0, 1e3 * measurement["seconds"] / measurement["steps"] - inside)
    return milliseconds


def main(plan: Plan, output: Path, report_progress: Callable[[str], None]) -> int:
    """Profiles at every number of threads; prints, and writes profile.json."""
    out, record = console(), {"machine": machine.describe(), "recipe": plan.spec.describe(), "threads": {}}
    for threads in plan.threads:
        report_progress(f"profile, {threads} threads")
        measurement = _profile(plan, threads)
        record["threads"][str(threads)] = {**measurement, "milliseconds": shares(measurement)}
        _show(measurement, threads, out)
    write_json(output / "profile.json", record)
    print(output / "profile.json")
    return 0


def _profile(plan: Plan, threads: int) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="aevb-benchmark-"))
    try:
        overrides = [*plan.run(profiled.END), f"trainer.threads={threads}", "trainer.block=50", f"output_dir={folder}"]
        execute(["-m", "benchmarks.profiled", str(folder / "profile.json"), *overrides], threads)
        (run,) = (Run(path.parent) for path in (folder / "runs").glob("*/DONE"))
        timing, m = run.timing(), plan.spec.batch_size
        before = timing["samples_per_second"][timing["samples_seen"] == profiled.BEGIN]
        return {**json.loads((folder / "profile.json").read_text()), "unwatched_step": float(m / before[0])}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _show(measurement: dict[str, Any], threads: int, out: Console) -> None:
    whole = 1e3 * measurement["seconds"] / measurement["steps"]
    title = (
        f"a training step, {threads} thread{'s' if threads > 1 else ''}: {whole:.3g} ms under the profiler, "
        f"{1e3 * measurement['unwatched_step']:.3g} ms without"
    )
    table = Table("", "ms a step", "share", "calls a step", title=title, title_justify="left", box=box.SIMPLE)
    for name, milliseconds in shares(measurement).items():
        table.add_row(name, f"{milliseconds:.3f}", f"{milliseconds / whole:.0%}", "", style="bold")
    for name, seconds, calls in sorted(measurement["operations"], key=lambda item: -item[1])[:TOP]:
        milliseconds = 1e3 * seconds / measurement["steps"]
        cells = f"{milliseconds:.3f}", f"{milliseconds / whole:.0%}", f"{calls / measurement['steps']:.1f}"
        table.add_row(escape(f"  {name}"), *cells)
    out.print(table)
