"""What the report shows of a single run when it is opened."""

import base64
import csv
import io
from typing import Any, NamedTuple

from aevb.config import flatten, shown
from aevb.report.differing import ABSENT, Differing
from aevb.report.quantities import texts
from aevb.report.records import RunRecord
from aevb.runs.units import unit

__all__ = ["Detail", "Image", "detail"]


class Image(NamedTuple):
    """An image of a run.

    Attributes:
        title: The tag and samples_seen.
        uri: The PNG as a data URI.
        width: Pixels.
        height: Pixels.
    """

    title: str
    uri: str
    width: int
    height: int


class Detail(NamedTuple):
    """Everything that is shown of one run.

    Attributes:
        number: The index of the run in the report.
        record: The files of the run.
        own: The settings in which it differs from most of the runs.
        evaluations: One entry for each file of evaluation/, with its values.
        summary_lines: The summaries of its evaluations.
        metrics: The rows of metrics.csv.
        manifest: The dotted keys of manifest.json with their values.
        starts: The starts of the run.
        images: The images.
    """

    number: int
    record: RunRecord
    own: list[tuple[str, str]]
    evaluations: list[dict[str, Any]]
    summary_lines: list[str]
    metrics: list[list[str]]
    manifest: list[tuple[str, str]]
    starts: list[dict[str, str]]
    images: list[Image]


def detail(index: int, record: RunRecord, differing: list[Differing]) -> Detail:
    """Collect what is shown of a run.

    Args:
        index: The index of the run in the report.
        record: The files of the run.
        differing: The settings that differ between the runs.
    """
    flat = record.flat
    manifest = {key: value for key, value in record.manifest.items() if key != "starts"}
    return Detail(
        index,
        record,
        [(item.key, value) for item in differing if (value := flat.get(item.key, ABSENT)) != next(iter(item.values))]
        if flat
        else [],
        [_evaluation(item.stem, item.facts, item.values) for item in record.evaluations_read if item.values],
        [f"{item.stem}: {line}" for item in record.evaluations_read for line in _summary(item.facts)],
        list(csv.reader(io.StringIO(record.metrics_text))),
        [(key, shown(value)) for key, value in flatten(manifest) if key],
        [{key: str(start.get(key, "")) for key in ("time", "command")} for start in record.starts],
        [_image(picture) for picture in record.images],
    )


def _evaluation(stem: str, facts: dict[str, Any], values: dict[str, tuple[float, float]]) -> dict[str, Any]:
    units = {name: unit(str(facts.get("name")), name) for name in values}
    return {
        "evaluation": stem,
        "images": facts.get("n", ""),
        "settings": ", ".join(f"{key}={shown(value)}" for key, value in facts.get("settings", {}).items()),
        "values": [
            (
                name,
                *texts(mean, error, units[name]),
                units[name],
                facts.get("direction") or "" if name == facts.get("quantity") else "",
            )
            for name, (mean, error) in values.items()
        ],
    }


def _summary(facts: dict[str, Any]) -> list[str]:
    verdict = facts.get("verdict")
    return [verdict] if isinstance(verdict, str) else []


def _image(picture: Any) -> Image:
    uri = f"data:image/png;base64,{base64.b64encode(picture.png).decode()}"
    return Image(f"{picture.title}, {picture.samples_seen:,} samples seen", uri, picture.width, picture.height)
