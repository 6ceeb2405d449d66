"""What a sweep ends with: the state of its runs, its report, and its log directory for TensorBoard.

The state is read from the run directories, so it holds whatever launched the jobs, and on whichever machine.
"""

import hashlib
import shlex
import sys
from pathlib import Path

from aevb.cli.sweep import PlannedRun, SweepPoint
from aevb.console.printable import printable
from aevb.errors import UserError
from aevb.runs.status import Row, row

__all__ = ["print_report", "report_path", "summary"]


def summary(points: list[SweepPoint], failures: dict[str, str]) -> list[Row]:
    """Return the state of every run of a sweep now.

    Args:
        points: The points.
        failures: Why jobs ended early, by the name of their point.
    """
    return [
        row(point.plan.directory, point.plan.max_samples, point.label, failures.get(point.name, ""))
        for point in points
        if point.plan is not None
    ]


def report_path(plans: list[PlannedRun]) -> Path | None:
    """Return where the report of a sweep is written.

    Args:
        plans: The runs of the sweep.

    Returns:
        <output_dir>/reports/<experiment>.html; without an experiment, sweep-<six hex digits of its runs>.html. None if the sweep
        has no runs, or was asked to write no report (report=false).
    """
    if not plans or not plans[0].settings.get("report"):
        return None
    name = str(plans[0].settings.get("choices", {}).get("experiment") or "").replace("/", "-")
    if not name:
        runs = "\n".join(sorted(plan.directory.name for plan in plans))
        name = f"sweep-{hashlib.sha256(runs.encode()).hexdigest()[:6]}"
    return plans[0].directory.parent.parent / "reports" / f"{name}.html"


def print_report(plans: list[PlannedRun], rows: list[Row]) -> None:
    """Write the report of a sweep and print its path, as the last line of the sweep.

    Args:
        plans: The runs of the sweep.
        rows: How far they have come.
    """
    path = report_path(plans)
    if path is None:
        return
    try:
        from aevb.report import Options, write_report  # here: single runs do not wait for numpy

        write_report(rows, path, Options(title=f"Report of {path.stem}"))
        if any(str(plan.settings["logger"].get("_target_")).endswith(".TensorBoard") for plan in plans):
            from aevb.report.dashboard import write_dashboard

            folder = write_dashboard(rows, path.parent.parent / "tensorboard" / path.stem)
            print(f"tensorboard --logdir {shlex.quote(str(folder))}")
    except UserError as error:
        print(f"aevb-train: no report: {printable(str(error))}", file=sys.stderr)
        return
    except Exception as error:  # the runs are what counts: a sweep does not fail for its report
        line = " ".join(f"{type(error).__name__}: {error}".split())
        print(
            f"aevb-train: no report written to {path}: {line}; try: aevb-report, which shows the traceback",
            file=sys.stderr,
        )
        return
    print(path, flush=True)
