"""TensorBoard of a sweep: a log directory of its own in which the runs stand beside their mean and the paper's curves.

    <output_dir>/tensorboard/<sweep>/
        .                 which columns the HParams tab has (what varies), the layout of Custom Scalars, how to read it
        <run>/            a run, by its point of the sweep: every column of metrics.csv, its row of the HParams tab
        mean of seeds/<method>/   where there are several seeds
        paper/<algorithm>/

The tags begin with the data set and the latent dimension, so a chart holds one setting: TensorBoard draws a chart for every
tag. All of it is written from the run directories after the sweep, and written anew by the next one.
"""

import math
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aevb.console.printable import printable
from aevb.figures.paper import published
from aevb.report.differing import ABSENT, Differing, differing_settings
from aevb.report.event_files import custom_scalars, experiment, scalar, session, text, write_event_file
from aevb.report.panels import Panel, curves_of, panels
from aevb.report.records import RunRecord, read_records
from aevb.report.statistics import summarise
from aevb.report.views import NAMES
from aevb.runs.status import Row

__all__ = ["check_log_directory", "write_dashboard"]

FILE = "events.out.tfevents.0.sweep"
DASHBOARD_FILE = ".aevb-dashboard"
"""The file that says that a folder is ours, so that it may be removed."""

CHARTS = (("test_bound", "test bound"), ("train_bound", "train bound"), ("test_log_px", "log p(x), test"))
BAND = ("mean", "lowest", "highest")
LAST = "last decade"
LONGEST = 120  # characters of the name of a run
STATUS = {"done": "SUCCESS", "failed": "FAILURE"}
README = """A sweep, as aevb wrote it from its run directories.

* **Time Series**: a group of charts for every data set and latent dimension; the paper's curves are the runs `paper/...`,
  the means over seeds `mean of seeds/...`. Set the smoothing to 0.
* **Custom Scalars**: one chart for every latent dimension: the last decade of samples, all of it, and the bands from the
  lowest to the highest seed. With more than 40 runs none is chosen at first: "Toggle all runs".
* **HParams**: the settings that differ, and the final values with their standard errors.

TensorBoard has no logarithmic horizontal axis; the report of the sweep has.
"""


def write_dashboard(runs: Sequence[Row | Path], folder: Path) -> Path:
    """Write the log directory of a sweep.

    Args:
        runs: The runs: rows of aevb.runs.status, or run directories.
        folder: The log directory. One that was written before is replaced; any other folder that is not empty is left alone.

    Returns:
        The folder.

    Raises:
        FileExistsError: If the folder holds something else.
    """
    _make_empty(folder)
    records = [record for record in read_records(runs) if record.settings]
    differing = differing_settings([record.flat for record in records])
    names = _run_names(records)
    curves, _ = curves_of(records)
    shown, _ = panels(curves)
    homes, metrics = _panels_of(shown), dict[str, None]()
    for record in records:
        final = _final(record)
        metrics |= dict.fromkeys(final)
        events = [scalar(tag, record.row.samples_seen, value) for tag, value in final.items() if math.isfinite(value)]
        values = _values(record, differing)
        events += session(values, STATUS.get(record.row.state, "RUNNING")) + _curves(
            record, homes.get(str(record.directory))
        )
        write_event_file(folder / names[str(record.directory)] / FILE, events)
    _write_means(folder, shown)
    _write_paper(folder, shown)
    columns = {item.key: [_values(record, [item])[item.key] for record in records] for item in differing}
    head = [text("how to read this", README), experiment(columns, list(metrics)), custom_scalars(_layout(shown))]
    write_event_file(folder / FILE, head)
    return folder


def check_log_directory(folder: Path) -> None:
    """Check that a log directory is new, empty, or one that aevb wrote, without anybody's files.

    Args:
        folder: The log directory.

    Raises:
        FileExistsError: If the folder holds something else.
        NotADirectoryError: If it is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(20, "a file, and a log directory is a folder", str(folder))
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / DASHBOARD_FILE).is_file():
            raise FileExistsError(17, "not empty, and not a log directory that aevb wrote", str(folder))
        for path in folder.rglob("*"):
            if path.is_symlink() or not (path.is_dir() or path.name in (FILE, DASHBOARD_FILE)):
                raise FileExistsError(17, "not written by aevb, and the log directory around it is replaced", str(path))


def _make_empty(folder: Path) -> None:
    check_log_directory(folder)
    folder = folder.resolve()  # the folder behind a link is replaced, and the link stays
    if folder.is_dir():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / DASHBOARD_FILE).touch()


def _run_names(records: list[RunRecord]) -> dict[str, str]:
    """Names of the runs, by directory: their point of the sweep, or the names that they have; the folder where these are not unique."""
    names = {str(record.directory): _safe(record.row.point or record.name) for record in records}
    count = Counter(names.values())
    return {
        directory: name if count[name] == 1 else _safe(directory.strip("/")[-LONGEST:])
        for directory, name in names.items()
    }


def _safe(name: str) -> str:
    return printable(name).replace("/", "-").replace("\\", "-").lstrip(".")[:LONGEST] or "run"


def _values(record: RunRecord, differing: list[Differing]) -> dict[str, Any]:
    """The varying settings of a run; as numbers, where they are numbers in every run."""
    flat = record.flat
    numeric = {item.key for item in differing if all(_number(value) is not None for value in item.values)}
    texts = {item.key: flat.get(item.key, ABSENT) for item in differing}
    return {key: _number(value) if key in numeric else value for key, value in texts.items()}


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _final(record: RunRecord) -> dict[str, float]:
    final = {}
    for item in record.evaluations_read:
        mean, error = item.facts.get("mean"), item.facts.get("standard_error")
        if isinstance(mean, int | float):
            final[f"final/{item.stem}"] = float(mean)
            if isinstance(error, int | float):
                final[f"final/{item.stem}, standard error"] = float(error)
    return final


def _panels_of(shown: list[Panel]) -> dict[str, Panel]:
    return {str(item.run.directory): panel for panel in shown for line in panel.lines for item in line.curves}


def tag(panel: str, column: str) -> str:
    """Return the tag of a column of metrics.csv: "MNIST, latent_dim 5/lower bound, test".

    Args:
        panel: The panel.
        column: The column of metrics.csv.
    """
    split, _, quantity = column.partition("_")
    known = split in ("train", "test", "valid") and quantity
    return f"{panel}/{NAMES.get(quantity, quantity)}, {split}" if known else f"{panel}/{column}"


def _end(panel: Panel) -> int:
    return max(item.last for line in panel.lines for item in line.curves)


def _points(name: str, seen: np.ndarray, values: np.ndarray, end: int = 0) -> list[Any]:
    """A curve; where `end` is given, its last decade of samples once more, whose differences a linear axis shows."""
    kept = [(round(float(x)), float(y)) for x, y in zip(seen, values, strict=True) if math.isfinite(y)]
    return [scalar(name, x, y) for x, y in kept] + [
        scalar(f"{LAST}/{name}", x, y) for x, y in kept if x >= end / 10 > 0
    ]


def _curves(record: RunRecord, panel: Panel | None) -> list[Any]:
    metrics, events = record.metrics(), []
    for column, values in metrics.items():
        if column != "samples_seen":
            name = tag(panel.title if panel else "other runs", column)
            end = _end(panel) if panel and column in dict(CHARTS) else 0
            events += _points(name, metrics["samples_seen"], values, end)
    return events


def _write_means(folder: Path, shown: list[Panel]) -> None:
    events: dict[str, list[Any]] = {}
    for panel in shown:
        for line in panel.lines:
            for column, _ in CHARTS if len(line.curves) > 1 else ():
                seeds = [(item.samples_seen, item.run.metrics().get(column)) for item in line.curves]
                mean = summarise([(x, y) for x, y in seeds if y is not None])
                name, several, own = tag(panel.title, column), mean.seeds > 1, events.setdefault(line.name, [])
                seen = mean.samples_seen[several]
                own += _points(name, seen, mean.mean[several], _end(panel))
                for which, values in zip(BAND, (mean.mean, mean.low, mean.high), strict=True):
                    own += _points(f"seeds/{name}, {which}", seen, values[several])
    for line_name, own in events.items():
        if own:
            write_event_file(folder / "mean of seeds" / _safe(line_name) / FILE, own)


def _write_paper(folder: Path, shown: list[Panel]) -> None:
    events: dict[str, list[Any]] = {}
    for panel in shown:
        if not panel.is_in_paper:
            continue
        end = _end(panel)
        for algorithm, split, polyline in published.panel(panel.data, panel.latent_dim, float(end)):
            name = tag(panel.title, f"{split}_bound")
            events.setdefault(algorithm, []).extend(_points(name, polyline.samples_seen, polyline.value, end))
    for algorithm, curves in events.items():
        source = text("source", f"{published.SOURCE}, figure 2, read from the vector graphics")
        write_event_file(folder / "paper" / algorithm / FILE, [source, *curves])


def _layout(shown: list[Panel]) -> dict[str, dict[str, Any]]:
    """A chart for every panel and quantity; the tags are regular expressions to TensorBoard."""
    charts: dict[str, dict[str, Any]] = {}
    for prefix, addition in ((f"{LAST}/", f", {LAST}"), ("", "")):
        for column, title in CHARTS:
            for panel in shown:
                runs = [item.run.metrics() for line in panel.lines for item in line.curves]
                if any(column in metrics and np.isfinite(metrics[column]).any() for metrics in runs):
                    pattern = f"^{re.escape(prefix + tag(panel.title, column))}$"
                    charts.setdefault(title + addition, {})[panel.title] = (pattern,)
    for panel in shown:
        if any(len(line.curves) > 1 for line in panel.lines):
            value, lower, upper = (f"seeds/{tag(panel.title, 'test_bound')}, {which}" for which in BAND)
            charts.setdefault("test bound, mean and range over seeds", {})[panel.title] = [(value, lower, upper)]
    return charts
