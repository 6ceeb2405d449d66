"""What differs between two runs, of planted tables and evaluations."""

from pathlib import Path

import pytest

from aevb import runs
from aevb.runs.comparison import differences, environments
from helpers.commands import TINY, settings

ESTIMATE = {"name": "bound", "split": "test", "n": 1}


def planted(directory: Path, metrics: str, mean: float | None = None) -> Path:
    """A run with this table and, if there is a mean, an evaluation of a single image."""
    runs.prepare(directory, settings(*TINY))
    (directory / "metrics.csv").write_text(metrics)
    if mean is not None:
        values = {"bound": {"mean": mean, "standard_error": None}}
        runs.write_json(directory / "evaluation" / "bound-test.json", {**ESTIMATE, "values": values})
    return directory


@pytest.mark.parametrize("swapped", [False, True])
def test_a_column_that_one_run_lacks_is_named_in_either_order(swapped: bool, tmp_path: Path) -> None:
    pair = (
        planted(tmp_path / "a", "samples_seen,train_bound\n100,-2.0\n"),
        planted(tmp_path / "b", "samples_seen,train_bound,valid_bound\n100,-2.0,-3.0\n"),
    )
    a, b = reversed(pair) if swapped else pair
    values = ("-3.0", "absent") if swapped else ("absent", "-3.0")
    assert list(differences(a, b)) == [("metrics valid_bound", *values, "first at 100")]  # and no difference of 0


def test_a_difference_is_of_rows_that_both_have(tmp_path: Path) -> None:
    a = planted(tmp_path / "a", "samples_seen,test_bound\n100,-2.0\n200,-1.0\n300,-1.0\n")
    b = planted(tmp_path / "b", "samples_seen,test_bound\n100,\n200,-1.5\n300,\n")
    assert list(differences(a, b)) == [("metrics test_bound", "-1.0", "-1.5", "most at 200: -0.5; first at 100")]
    b = planted(tmp_path / "c", "samples_seen,test_bound\n100,\n200,\n300,\n")
    assert list(differences(a, b)) == [("metrics test_bound", "-1.0", "empty", "first at 100")]


def test_a_run_without_a_manifest_has_no_nameless_key(tmp_path: Path) -> None:
    a, b = (planted(tmp_path / name, "samples_seen,train_bound\n100,-2.0\n") for name in "ab")
    runs.write_json(b / "manifest.json", {"threads": 1})
    assert environments(a, b) == ({}, {"threads": 1})


def test_an_estimate_over_one_image_has_no_error(tmp_path: Path) -> None:
    table = "samples_seen,train_bound\n100,-2.0\n"
    a, b = planted(tmp_path / "a", table, -2.0), planted(tmp_path / "b", table, -2.5)
    assert list(differences(a, b)) == [("evaluation bound-test bound", "-2", "-2.5", "-0.5")]


def test_other_evaluation_points_are_counted(tmp_path: Path) -> None:
    a = planted(tmp_path / "a", "samples_seen,train_bound\n100,-2.0\n")
    b = planted(tmp_path / "b", "samples_seen,train_bound\n100,-2.0\n200,-1.0\n")
    assert list(differences(a, b)) == [("metrics evaluation points", "1 to 100", "2 to 200", "1 common")]
