"""The text of metrics.csv, and the seconds of timing.csv."""

import csv
import io
import math
from pathlib import Path
from types import SimpleNamespace

from aevb.training.callbacks.metrics_csv import MetricsWriter, csv_table
from aevb.training.checkpoints.background_writer import BackgroundWriter
from aevb.training.timer import RunClock, TrainingTimer


def test_numbers_come_back_with_the_same_bits() -> None:
    rows = [{"samples_seen": 100, "test_bound": -1 / 3}, {"samples_seen": 200, "test_bound": math.pi * 1e-300}]
    table = csv_table(("samples_seen", "test_bound"), rows)
    assert table.startswith("samples_seen,test_bound\n100,")
    read = list(csv.DictReader(io.StringIO(table)))
    assert [float(row["test_bound"]) for row in read] == [row["test_bound"] for row in rows]


def test_missing_values_are_empty_and_others_left_out() -> None:
    table = csv_table(("a", "b"), [{"a": 1.5, "c": 2.0}, {"b": 3.0}])
    assert table == "a,b\n1.5,\n,3.0\n"


class Clock:
    """Seconds of training and of evaluation that a test sets."""

    def __init__(self, *seconds: tuple[float, float]) -> None:
        self.times = list(seconds)

    def seconds(self) -> tuple[float, float]:
        return self.times.pop(0)


def test_the_rate_is_that_since_the_evaluation_point_before(tmp_path: Path) -> None:
    writer = MetricsWriter(
        tmp_path, SimpleNamespace(clock=Clock((2.0, 1.0), (12.0, 4.0)), schedule=None), BackgroundWriter()
    )
    for seen in (1_000, 6_000):
        writer.timing.append(writer._timing_row(seen))
    assert [tuple(row.values()) for row in writer.timing] == [(1_000, 2.0, 1.0, 500.0), (6_000, 12.0, 4.0, 500.0)]


def test_a_resumed_clock_goes_on_from_the_seconds_before() -> None:
    clock = RunClock(TrainingTimer())
    clock.resume(10.0, 3.0)
    assert clock.seconds() == (10.0, 3.0)
    clock.start()
    training, evaluation = clock.seconds()
    assert 10.0 <= training < 70.0
    assert evaluation == 3.0
