"""Builds the report of runs, within limits of size: images are dropped first, then the details of single runs."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from aevb.console.forks import forked
from aevb.files.atomic import utf8, write_text
from aevb.report.chart import Chart, draw
from aevb.report.chart_lines import Drawn, lines_of
from aevb.report.details import detail
from aevb.report.differing import Differing, differing_settings
from aevb.report.downloads import downloads
from aevb.report.images import read_images
from aevb.report.meanings import conventions, limitations, training_bound
from aevb.report.neighbours import pairs
from aevb.report.page import render
from aevb.report.panels import Panel, curves_of, panels
from aevb.report.paper import PaperTable, compare_with_paper
from aevb.report.provenance import commands, newest_start, provenance
from aevb.report.records import RunRecord, read_records, redacted
from aevb.report.redaction import Redaction
from aevb.report.run_table import run_table
from aevb.report.views import View, views
from aevb.runs.manifest import installed_packages
from aevb.runs.status import Row

__all__ = ["Options", "build_report", "write_report"]

LARGEST = 10_000_000  # bytes of the page
IMAGE_BYTES = 5_000_000  # of all images, before base64
MANY = 400  # runs, whose charts are drawn in a process of their own
MOST_VIEWS = 12  # sets of charts
MOST_DETAILS = 300  # runs that can be opened
STATES = ("done", "running", "partial", "diverged", "failed", "missing")


@dataclass(frozen=True)
class Options:
    """How a report is made.

    Attributes:
        title: Its heading.
        images: Pictures of every run, at most; 0 for none.
        redact: A pattern whose matches are removed, beside names of users and hosts.
    """

    title: str = "Report"
    images: int = 6
    redact: re.Pattern[str] | None = None


class Limits(NamedTuple):
    """What the report shows of its runs.

    Attributes:
        images: Whether there are any images.
        details: The number of runs that can be opened.
    """

    images: bool
    details: int


def write_report(runs: Sequence[Row | Path], path: Path, options: Options | None = None) -> None:
    """Write the report of runs.

    Args:
        runs: The runs: rows of aevb.runs.status, or run directories.
        path: The HTML file; it is replaced as a whole.
        options: How it is made.

    Raises:
        UserError: If the file cannot be written.
    """
    write_text(path, build_report(runs, options))


def build_report(runs: Sequence[Row | Path], options: Options | None = None) -> str:
    """Return the report of runs as one HTML document of at most 10 MB; the same runs give the same bytes.

    Args:
        runs: The runs: rows of aevb.runs.status, or run directories.
        options: How it is made.

    Returns:
        The document. What was left out to keep the size is said in it.
    """
    options = options or Options()
    unread = read_records(runs)
    redaction = _redaction(unread, options.redact)
    records = [redacted(record, redaction) for record in unread]
    content = _content(records, options)
    limits = [
        Limits(options.images > 0, MOST_DETAILS),
        Limits(False, MOST_DETAILS),
        Limits(False, 50),
        Limits(False, 0),
    ]
    for limit in limits:
        page = render({**content, **_details(records, content["differing"], limit, options.images)})
        if len(utf8(page)) <= LARGEST:
            break
    return page


def _redaction(records: list[RunRecord], pattern: re.Pattern[str] | None) -> Redaction:
    hosts = {start["host"] for record in records for start in record.starts if isinstance(start.get("host"), str)}
    texts = set().union(*{part for record in records for part in record.texts})
    texts |= {text for record in records for text in (record.row.run, record.traceback)}
    return Redaction(texts, hosts, pattern)


def _content(records: list[RunRecord], options: Options) -> dict[str, Any]:
    configured = [flat for record in records if (flat := record.flat)]
    differing = differing_settings(configured)
    shared = set(configured[0].items()).intersection(*map(dict.items, configured[1:])) if configured else set()
    constant = {key: value for key, value in configured[0].items() if (key, value) in shared} if configured else {}
    curves, without_curve = curves_of(records)
    shown_panels, more_panels = panels(curves)
    numbers = {str(record.directory): index for index, record in enumerate(records)}
    is_long = len(curves) > MANY
    with (
        forked(partial(_views, shown_panels, numbers), is_long) as charts,
        forked(partial(compare_with_paper, curves), is_long) as paper,
    ):
        content = _tables(records, differing, paper)
        content["charts"], content["more_views"] = charts()
    states = Counter(str(record.row.state) for record in records)
    return {
        **content,
        "title": options.title,
        "records": records,
        "states": {state: states[state] for state in STATES if states[state]},
        "unfinished": [(i, record) for i, record in enumerate(records) if record.row.state != "done" or record.faults],
        "version": installed_packages()["aevb"],
        "newest": newest_start(records),
        "commands": commands(records),
        "differing": differing,
        "constant": constant,
        "panels": shown_panels,
        "is_paper_drawn": any(chart.papers for _, shown in content["charts"] for chart in shown),
        "more_panels": more_panels,
        "without_curve": without_curve,
        "conventions": conventions(records),
        "training_bound": training_bound(records),
        "limitations": limitations(records, shown_panels),
    }


def _tables(records: list[RunRecord], differing: list[Differing], paper: Callable[[], PaperTable]) -> dict[str, Any]:
    table, (near, all_pairs) = run_table(records, differing), pairs(records, differing)
    content = {"table": table, "pairs": near, "all_pairs": all_pairs, "provenance": provenance(records)}
    compared = paper()
    return {**content, "paper": compared, "downloads": downloads(records, table, compared)}


def _views(shown_panels: list[Panel], numbers: dict[str, int]) -> tuple[list[tuple[View, list[Chart]]], list[str]]:
    # The views with their charts, and the names of those beyond the most that are drawn.
    drawn, left_out, lines = list[tuple[View, list[Chart]]](), list[str](), list[list[Drawn]]()
    for view in views(shown_panels):
        if len(drawn) == MOST_VIEWS:
            left_out.append(view.title)
            continue
        if not view.tail:  # the last decade is of the lines of the view before it
            lines = [lines_of(view, panel, numbers) for panel in shown_panels]
        if charts := _charts(view, zip(shown_panels, lines, strict=True)):
            drawn.append((view, charts))
    return drawn, left_out


def _charts(view: View, panels_with_lines: Iterable[tuple[Panel, list[Drawn]]]) -> list[Chart]:
    drawn = [
        draw(view, panel, lines, f"chart-{view.key}-{index}") for index, (panel, lines) in enumerate(panels_with_lines)
    ]
    return [chart for chart in drawn if chart is not None]


def _details(records: list[RunRecord], differing: Any, limits: Limits, images: int) -> dict[str, Any]:
    # Runs that went wrong are those that one opens.
    order = sorted(
        range(len(records)), key=lambda index: (records[index].row.state not in ("failed", "diverged"), index)
    )
    chosen = sorted(order[: limits.details])
    pictures, left, dropped = {}, IMAGE_BYTES if limits.images else 0, 0
    for index in chosen:
        image_files = read_images(records[index].directory, images)
        size = sum(len(picture.png) for picture in image_files)
        if size <= left:
            pictures[index], left = image_files, left - size
        else:
            dropped += 1
    details = [detail(index, replace(records[index], images=pictures.get(index, [])), differing) for index in chosen]
    return {
        "details": details,
        "opened": set(chosen),
        "images_dropped": dropped,
        "details_dropped": len(records) - len(chosen),
    }
