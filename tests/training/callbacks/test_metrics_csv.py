"""The text of metrics.csv."""

import csv
import io
import math

from aevb.training.callbacks.metrics_csv import csv_table


def test_numbers_come_back_with_the_same_bits() -> None:
    rows = [{"samples_seen": 100, "test_bound": -1 / 3}, {"samples_seen": 200, "test_bound": math.pi * 1e-300}]
    table = csv_table(("samples_seen", "test_bound"), rows)
    assert table.startswith("samples_seen,test_bound\n100,")
    read = list(csv.DictReader(io.StringIO(table)))
    assert [float(row["test_bound"]) for row in read] == [row["test_bound"] for row in rows]


def test_missing_values_are_empty_and_others_left_out() -> None:
    table = csv_table(("a", "b"), [{"a": 1.5, "c": 2.0}, {"b": 3.0}])
    assert table == "a,b\n1.5,\n,3.0\n"
