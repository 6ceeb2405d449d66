"""What differs between two runs, of planted tables and evaluations."""

from pathlib import Path

import pytest

from aevb import runs
from aevb.runs.comparison import differences
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
    ((what, one, other, _),) = differences(a, b)
    assert (what, one, other) == ("metrics valid_bound", *values)


def test_an_estimate_over_one_image_has_no_error(tmp_path: Path) -> None:
    table = "samples_seen,train_bound\n100,-2.0\n"
    a, b = planted(tmp_path / "a", table, -2.0), planted(tmp_path / "b", table, -2.5)
    assert list(differences(a, b)) == [("evaluation bound-test bound", "-2", "-2.5", "-0.5")]


def test_other_evaluation_points_are_counted(tmp_path: Path) -> None:
    a = planted(tmp_path / "a", "samples_seen,train_bound\n100,-2.0\n")
    b = planted(tmp_path / "b", "samples_seen,train_bound\n100,-2.0\n200,-1.0\n")
    assert list(differences(a, b)) == [("metrics evaluation points", "1 to 100", "2 to 200", "1 common")]
