"""The table of objectives repeats the runs' evaluations, and says by what and of how many images a likelihood is."""

import json
from pathlib import Path
from typing import Any

import pytest

from aevb.figures.studies.objectives import Objectives, _draw
from aevb.runs.lifecycle import prepare
from aevb.training import train_run
from helpers.commands import TINY, settings
from helpers.figure_runs import read_csv

OPTIONS = ("data.targets=dynamic", "evaluator=[bound,importance,information]", "evaluator.importance.samples=7")


def train(directory: Path, objective: str, *overrides: str) -> None:
    chosen = {"data": "digits", "model": "bernoulli", "objective": objective, "optimizer": "adagrad"}
    prepare(directory, {**settings(*TINY, f"objective={objective}", *overrides), "choices": chosen})
    train_run.run(directory)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for objective in ("sgvb_b", "iwae"):
        train(folder / objective, objective, *OPTIONS)
    train(folder / "mcem", "mcem", "evaluator=quadrature", "objective.count=updates")
    return folder


def test_rows_are_the_evaluations(runs: Path, tmp_path: Path) -> None:
    Objectives().draw(runs, tmp_path)
    rows = {row["run"]: row for row in read_csv(tmp_path / "objectives.csv")}
    assert set(rows) == {"sgvb_b", "iwae", "mcem"}
    for name in ("sgvb_b", "iwae"):
        bound, importance, information = (
            json.loads((runs / name / "evaluation" / f"{file}.json").read_text())
            for file in ("bound-test", "importance-test-k7", "information-test")
        )
        row = rows[name]
        assert float(row["bound"]) == bound["mean"]
        assert float(row["log_px"]) == importance["mean"]
        assert (row["estimator"], row["estimator_samples"], row["log_px_n"]) == ("importance", "7", "360")
        assert float(row["kl"]) == information["values"]["kl"]["mean"]
        assert (int(row["active_units"]), int(row["units"])) == (information["active_units"], 2)
    assert (rows["mcem"]["estimator"], rows["mcem"]["bound"], rows["mcem"]["active_units"]) == ("quadrature", "", "")
    text = (tmp_path / "objectives.md").read_text()
    assert "importance, K = 7, n = 360" in text
    assert "| method | model, latent_dim |" in text  # model=bernoulli is the decoder; z is normal
    assert "| bernoulli, 2 |" in text
    assert (tmp_path / "objectives.png").stat().st_size > 1000


def test_what_is_far_below_is_written_at_the_edge() -> None:
    def row(name: str, bound: float, log_px: float) -> dict[str, Any]:
        setting = {"data": "digits", "model": "bernoulli", "latent_dim": 2, "targets": "grey", "method": name}
        errors = {"bound_standard_error": 1.0, "log_px_standard_error": 1.0}
        return {**setting, **errors, "bound": bound, "log_px": log_px}

    (axes,) = _draw([row("near", -100.0, -95.0), row("far", -2000.0, -1990.0)]).axes
    assert axes.get_xlim()[0] > -200
    assert [text.get_text() for text in axes.texts] == ["◂ -2,000, -1,990"]
