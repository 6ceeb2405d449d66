"""Records of evaluations: each entry has its type, and one that is missing is an error of the file."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from aevb.errors import UserError
from aevb.figures.studies.calibration import LEVELS, Calibration
from aevb.figures.studies.diagnosis import Diagnosis
from aevb.runs.evaluation_record import read_evaluation
from aevb.runs.run import finished
from helpers.figure_runs import plant

INFORMATION = {
    "name": "information",
    "split": "test",
    "n": 40,
    "values": {
        name: {"mean": -100.0, "standard_error": 0.1}
        for name in ("bound", "reconstruction", "kl", "mutual_information", "marginal_kl")
    },
    "verdict": "all active: and so on",
    "ceiling": 3.7,
    "active_units": 1,
    "active_above": 0.01,
    "kl_per_dimension": [1.0, 0.0],
    "variance_of_mean": [0.5, 0.0],
    "log_var_histogram": {"edges": [-1.0, 0.0], "counts": [80]},
}
CALIBRATION = {
    "name": "calibration",
    "split": "test",
    "n": 40,
    "values": {f"coverage_{level}": {"mean": 0.5, "standard_error": 0.1} for level in LEVELS},
    "verdict": "q is too narrow: and so on",
    "p_value": 0.01,
    "rank_histograms": [[20, 20], [10, 30]],
    "tarp_levels": [0.0, 0.5, 1.0],
    "tarp_coverage": [0.0, 0.4, 1.0],
}
FIGURES = {"information": Diagnosis, "calibration": Calibration}


def write(folder: Path, record: dict[str, Any]) -> Path:
    path = folder / "evaluation" / "any-test-first40.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record))
    return path


def without(record: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every copy of a record that lacks one entry, with the name of that entry."""
    copies = [(key, {name: value for name, value in record.items() if name != key}) for key in record]
    for group in ("settings", "values"):
        for key in record.get(group, {}):
            kept = {name: value for name, value in record[group].items() if name != key}
            copies.append((f"{group}.{key}", {**record, group: kept}))
    return copies


@pytest.mark.parametrize("record", [INFORMATION, CALIBRATION], ids=lambda record: record["name"])
def test_a_figure_names_the_file_and_the_entry_that_it_lacks(tmp_path, record):
    run = plant(tmp_path, "latent_dim=2", train={100: -300.0})
    figure = FIGURES[record["name"]]()
    path = write(run, record)
    figure.compose(figure.wanted(finished(tmp_path)), ())
    wrong = []
    for key, damaged in without(record):
        write(run, damaged)
        try:
            figure.compose(figure.wanted(finished(tmp_path)), ())
            message = "nothing, the figure was drawn"
        except UserError as error:
            message = str(error)
        if f"{path}: damaged ({key} is missing); try: remove it, then aevb-evaluate" not in message:
            wrong.append((key, message))
    assert wrong == []


def test_a_drawn_figure_names_them_too(tmp_path):
    """Figures are drawn from runs that are read once, perhaps by another process."""
    path = write(plant(tmp_path, "latent_dim=2", train={100: -300.0}), dict(without(INFORMATION))["ceiling"])
    with pytest.raises(UserError, match=r"damaged \(ceiling is missing\)") as error:
        Diagnosis().draw(tmp_path, tmp_path / "out")
    assert str(path) in str(error.value)
    assert list((tmp_path / "out").glob("*")) == []


@pytest.mark.parametrize(
    ("record", "name", "value", "allowed"),
    [
        (INFORMATION, "ceiling", "high", "a finite number or null"),
        (INFORMATION, "active_units", -1, "an integer >= 0"),
        (INFORMATION, "kl_per_dimension", [1.0, "x"], "a finite number or null"),
        (INFORMATION, "kl_per_dimension", 3, "a list of numbers"),
        (INFORMATION, "log_var_histogram", {"edges": [1.0]}, "an object of {counts, edges}"),
        (INFORMATION, "log_var_histogram", {"edges": [1.0], "counts": [1]}, "one edge more than counts"),
        (CALIBRATION, "rank_histograms", [], "a list of lists of numbers, all of the same length"),
        (CALIBRATION, "rank_histograms", [[1], [1, 2]], "a list of lists of numbers, all of the same length"),
        (CALIBRATION, "verdict", ["narrow"], "text"),
    ],
)
def test_entries_of_another_type_are_refused(tmp_path, record, name, value, allowed):
    path = write(tmp_path, {**record, name: value})
    with pytest.raises(UserError, match=rf"damaged \({name}=") as error:
        read_evaluation(path)
    assert f"allowed: {allowed}" in str(error.value) or allowed in str(error.value)


def test_curves_of_different_lengths_are_refused(tmp_path):
    path = write(tmp_path, {**INFORMATION, "variance_of_mean": [0.5]})
    with pytest.raises(UserError, match=r"\(kl_per_dimension and variance_of_mean differ in length\)"):
        read_evaluation(path)


def test_another_evaluator_may_use_the_same_names(tmp_path):
    path = write(tmp_path, {**INFORMATION, "name": "of_my_own", "ceiling": {"any": "thing"}})
    assert read_evaluation(path)["ceiling"] == {"any": "thing"}


def test_a_record_is_a_dictionary_that_travels_between_processes(tmp_path):
    record = read_evaluation(write(tmp_path, INFORMATION))
    assert record == INFORMATION
    copy = pickle.loads(pickle.dumps(record))
    with pytest.raises(UserError, match=r"damaged \(values\.aim is missing\)"):
        copy["values"]["aim"]
