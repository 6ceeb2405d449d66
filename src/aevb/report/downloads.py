"""The numbers of the report as files: data: URIs that a browser saves without a network and without JavaScript."""

import base64
import csv
import gzip
import io
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from aevb.files.atomic import finite, utf8
from aevb.report.paper import PaperTable
from aevb.report.records import RunRecord
from aevb.report.run_table import RunTable, plain
from aevb.runs.csv_table import cells_of, plain_lines

__all__ = ["Download", "downloads"]

PLAIN_LIMIT = 20_000  # bytes; a larger file is packed
ENCODER = json.JSONEncoder(separators=(",", ":"), default=str, allow_nan=False)
SLOW_TO_PACK = 2_000_000  # bytes above which a tenth is not worth the time


class Download(NamedTuple):
    """A file that the page offers.

    Attributes:
        name: The name of the file.
        uri: The content as a data URI.
        size: The size of the content, bytes.
        what: A description of the content.
    """

    name: str
    uri: str
    size: int
    what: str


def downloads(records: list[RunRecord], table: RunTable, paper: PaperTable) -> list[Download]:
    """Return the files that the page offers.

    They are runs.csv, curves.csv, paper.csv (if there is anything to compare) and report.json.

    Args:
        records: The runs.
        table: The table of the runs.
        paper: The comparison with the paper.
    """
    with ThreadPoolExecutor(1) as thread:  # zlib packs one file while the text of the next is made
        files = [
            thread.submit(
                _file, "runs.csv", "text/csv", _runs(records, table), "the table of all runs, with every digit"
            ),
            thread.submit(
                _file, "curves.csv", "text/csv", _curves(records), "every line of every metrics.csv, as it was written"
            ),
        ]
        if paper.rows:
            files.append(thread.submit(_file, "paper.csv", "text/csv", _csv(paper.rows), "ours against the paper"))
        what = "runs, settings, evaluations and the comparison with the paper; the curves are in curves.csv"
        files.append(thread.submit(_file, "report.json", "application/json", _json(records, paper), what))
        return [file.result() for file in files]


def _runs(records: list[RunRecord], table: RunTable) -> str:
    rows = []
    for record, cells in zip(records, table.rows, strict=True):
        line: dict[str, Any] = {"run": record.name}
        for column, cell in zip(table.columns, cells, strict=True):
            line[column.key] = plain(cell)
            if cell.error is not None:
                line[f"{column.key} standard_error"] = cell.error
        rows.append(line)
    return _csv(rows)


def _curves(records: list[RunRecord]) -> str:
    columns = list(dict.fromkeys(key for record in records for key in record.table))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["run", *columns])
    for record in records:
        lines = plain_lines(record.metrics_text) if list(record.table) == columns else None
        if lines is not None:
            name = _quoted(record.name)
            text.writelines([f"{name},{line}\n" for line in lines[1:]])
        elif record.table:
            names, *rows = cells_of(record.metrics_text)
            values = (dict(zip(names, cells, strict=True)).get for cells in rows)
            writer.writerows([record.name, *map(value_of, columns)] for value_of in values)
    return text.getvalue()


def _quoted(name: str) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([name, ""])
    return text.getvalue().removesuffix(",")


def _json(records: list[RunRecord], paper: PaperTable) -> str:
    runs = [
        {
            "run": record.name,
            "state": record.row.state,
            "samples_seen": record.row.samples_seen,
            "max_samples": record.row.max_samples,
            "why": record.row.why,
            "settings": record.settings,
            "evaluations": {item.stem: item.facts for item in record.evaluations_read},
            "manifest": record.manifest,
            "done": record.facts,
        }
        for record in records
    ]
    return f'{{"curves":"curves.csv","runs":[{",".join(map(_dumped, runs))}],"paper":{_dumped(paper.rows)}}}'


def _dumped(content: Any) -> str:
    try:
        return ENCODER.encode(content)
    except ValueError:
        return ENCODER.encode(finite(content))  # JSON knows no nan, as of the standard error of a single image


def _csv(rows: list[dict[str, Any]]) -> str:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(finite(row) for row in rows)
    return text.getvalue()


def _file(name: str, kind: str, text: str, what: str) -> Download:
    data = utf8(text)
    if len(data) > PLAIN_LIMIT:
        packed = gzip.compress(data, compresslevel=6 if len(data) > SLOW_TO_PACK else 9, mtime=0)
        return Download(f"{name}.gz", _uri("application/gzip", packed), len(data), what)
    return Download(name, _uri(kind, data), len(data), what)


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
