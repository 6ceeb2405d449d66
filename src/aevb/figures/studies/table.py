"""A table of every finished run: lower bound and importance-sampled log p(x) on the whole test split."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table as RichTable

from aevb.console.printable import printable, without_controls
from aevb.figures.common.base import Drawing, Figure, markdown_table
from aevb.figures.common.origin import convention, meanings, provenance
from aevb.figures.common.style import estimate
from aevb.files.natural_order import natural_key
from aevb.runs.run import Run

__all__ = ["Table"]

WORDS = ("run", "targets")  # columns of text; the others are numbers, which are not broken
MANY = 500  # rows above which no table is laid out, which takes seconds for thousands


class Table(Figure):
    """A table that is printed and written as CSV and Markdown."""

    name = "table"
    conditional_runs = True
    command = "aevb-train data=digits latent_dim=2,5,10,20 max_samples=2e5 -m"

    def wanted(self, runs: list[Run]) -> list[Run]:
        """Return every finished run (see `Figure.wanted`)."""
        return runs

    def compose(self, runs: list[Run], trusted: tuple[str, ...]) -> Drawing:
        """Compose one row per run (see `Figure.compose`)."""
        rows = sorted(
            (_row(run) for run in runs), key=lambda row: (row["data"], row["latent_dim"], natural_key(row["run"]))
        )
        shown = [_shown(row) for row in rows]
        _print(shown, without_controls(meanings(runs)))
        return Drawing(rows, text=f"{markdown_table(shown)}\n{meanings(runs)}")


def _print(rows: list[dict[str, Any]], remarks: str) -> None:
    if len(rows) > MANY:
        cells = [list(rows[0]), *([printable(value) for value in row.values()] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for line in cells:
            print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        print(remarks, end="")
        return
    table = RichTable(box=None, header_style="bold", pad_edge=False)
    for column in rows[0]:
        text = column in WORDS
        table.add_column(column, justify="left" if text else "right", no_wrap=not text, overflow="fold")
    for row in rows:
        table.add_row(*(escape(printable(value)) for value in row.values()))
    console = Console()
    if not console.is_terminal:  # a file has no width
        console.width = Measurement.get(console, console.options.update(max_width=1000), table).maximum
    console.print(table)
    console.print(remarks, highlight=False, soft_wrap=True, end="")


def _row(run: Run) -> dict[str, Any]:
    evaluations = run.evaluations()
    bound, importance = (_evaluation(evaluations, name) for name in ("bound", "importance"))
    origin = provenance(run)
    return {
        "run": origin.pop("run"),
        "data": run.settings["choices"]["data"],
        "latent_dim": run.settings["latent_dim"],
        "samples_seen": run.done["samples_seen"],
        "test_bound": bound.get("mean"),
        "test_bound_standard_error": bound.get("standard_error"),
        "test_log_px": importance.get("mean"),
        "test_log_px_standard_error": importance.get("standard_error"),
        "importance_samples": importance.get("settings", {}).get("samples"),
        "share_above_pareto_k_threshold": importance.get("share_above_threshold"),
        "seconds": run.done.get("training_seconds", float("nan")),
        "targets": convention(run),
        **origin,
    }


def _evaluation(evaluations: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The evaluation of the most test images; of several such, the one with the most samples."""
    records = [item for item in evaluations if item["name"] == name and item["split"] == "test"]
    return max(records, key=lambda item: (item["n"], item.get("settings", {}).get("samples", 0)), default={})


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    count = row["importance_samples"]
    return {
        "run": row["run"],
        "latent_dim": row["latent_dim"],
        "samples seen": f"{row['samples_seen']:,}",
        "test lower bound": _with_error(row["test_bound"], row["test_bound_standard_error"]),
        "log p(x)": _with_error(row["test_log_px"], row["test_log_px_standard_error"]),
        "K": "–" if count is None else f"{count:,}",
        "Pareto k too large": _percent(row["share_above_pareto_k_threshold"]),
        "seconds": f"{row['seconds']:,.1f}",
        "targets": row["targets"],
    }


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.3g} %"


def _with_error(mean: float | None, error: float | None) -> str:
    return estimate(mean, error, ",.2f")
