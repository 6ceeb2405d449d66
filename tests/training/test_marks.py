"""The columns of a mark belong to bound and importance, whoever else evaluates."""

import csv
import json

import pytest

from aevb.runs import finished
from commands import TINY, aevb


def test_another_evaluators_bound_does_not_take_the_columns_place(tmp_path):
    """`information` measures a bound too, with draws of its own; the last row and the bound's own evaluation are of the same images."""
    tiny = [argument for argument in TINY if not argument.startswith("evaluator=")]
    result = aevb("train", *tiny, "evaluator=[bound,importance,information]", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    (run,) = finished(tmp_path)
    last = list(csv.DictReader((run.directory / "metrics.csv").open()))[-1]
    values = {
        path.stem: json.loads(path.read_text())["values"] for path in (run.directory / "evaluation").glob("*.json")
    }
    assert values["information-test"]["bound"]["mean"] != pytest.approx(values["bound-test"]["bound"]["mean"], abs=1e-9)
    for column, name in (("test_bound", "bound"), ("test_reconstruction", "reconstruction"), ("test_kl", "kl")):
        assert float(last[column]) == pytest.approx(values["bound-test"][name]["mean"], abs=1e-9)
