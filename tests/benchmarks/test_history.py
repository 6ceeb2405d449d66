"""Records of the benchmark are kept by day and commit, and drawn in the order in which they were measured."""

from pathlib import Path
from typing import Any

from benchmarks.history import FOLDER, Point, add, draw, records, series


def record(day: int, commit: str, median: float | None, processor: str = "A") -> dict[str, Any]:
    row = {"what": f"speed {day // 10}", "unit": "×", "threads": 1, "median": median, "low": median, "high": median}
    machine = {"time": f"2026-11-{day}T10:00:00+00:00", "commit": commit, "processor": processor}
    return {"machine": machine, "rows": [row]}


def test_a_record_for_each_day_and_commit(tmp_path: Path) -> None:
    assert add(record(20, "b" * 40, 1.0), tmp_path).name == f"2026-11-20-{'b' * 12}.json"
    add(record(19, "a" * 40, 2.0), tmp_path)
    add(record(20, "b" * 40, 3.0), tmp_path)
    assert [one["rows"][0]["median"] for one in records(tmp_path)] == [2.0, 3.0]


def test_the_chart_shows_every_ratio_that_was_measured(tmp_path: Path) -> None:
    chart = tmp_path / "chart.svg"
    draw(chart, [record(19, "a" * 40, 2.0), record(20, "b" * 40, None), record(21, "c" * 40, 3.0)])
    text = chart.read_text()
    assert "speed 1" in text
    assert "speed 2" in text
    draw(tmp_path / "again.svg", [record(19, "a" * 40, 2.0), record(20, "b" * 40, None), record(21, "c" * 40, 3.0)])
    assert (tmp_path / "again.svg").read_text() == text


def test_a_line_joins_the_records_of_one_processor() -> None:
    history = [record(11, "a" * 40, 2.0), record(12, "b" * 40, 3.0, "B"), record(13, "c" * 40, 4.0)]
    points = series(history)["speed 1"]
    assert points == {"A": [Point(0, 2, 2, 2), Point(2, 4, 4, 4)], "B": [Point(1, 3, 3, 3)]}


def test_the_committed_records_are_whole() -> None:
    history = records()
    assert history, FOLDER
    assert all(one["machine"]["commit"] and one["rows"] for one in history)
