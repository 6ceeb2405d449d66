"""The table of objectives repeats the runs' evaluations, and says by what and of how many images a likelihood is."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from aevb.evaluators.bound import Bound
from aevb.evaluators.evaluator import Evaluation
from aevb.evaluators.record import record
from aevb.figures.studies.objectives import Objectives, _draw
from aevb.files.atomic import write_json
from aevb.runs.lifecycle import prepare
from aevb.runs.records import read_json
from aevb.runs.run import finished
from aevb.training import train_run
from helpers.commands import TINY, settings
from helpers.figure_runs import plant, read_csv

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


def test_targets_of_two_kinds_are_two_panels_and_the_learning_rate_is_the_trained_one(tmp_path: Path) -> None:
    for targets, value in (("grey", -100.0), ("dynamic", -90.0)):
        run = plant(tmp_path, "latent_dim=3", f"data.targets={targets}", train={100: -543.0, 1000: value})
        evaluation = Evaluation({"bound": torch.tensor([value, value]).double()}, "bound")
        record(run, Bound(), evaluation, "test", None)
        write_json(run / "DONE", read_json(run / "DONE") | {"learning_rate": 0.1})  # by selection
        config = read_json(run / "config.yaml")
        write_json(run / "config.yaml", config | {"choices": config["choices"] | {"model": "bernoulli"}})
    drawing = Objectives().compose(Objectives().wanted(finished(tmp_path)), ())
    titles = [ax.get_title(loc="left") for ax in drawing.canvas.axes]
    assert [title.partition(";")[0] for title in titles] == ["MNIST, dynamically binarised", "MNIST, grey/255"]
    assert [row["lr"] for row in drawing.rows] == [0.1, 0.1]


def test_runs_of_one_method_are_named_by_what_they_differ_in() -> None:
    def row(lr: float, seed: int, run: str, bound: float) -> dict[str, Any]:
        setting = {"data": "digits", "model": "bernoulli", "latent_dim": 2, "targets": "grey", "method": "AEVB"}
        values = {"bound": bound, "bound_standard_error": 1.0, "log_px": bound, "log_px_standard_error": 1.0}
        return {**setting, **values, "lr": lr, "seed": seed, "run": run}

    rows = [row(0.01, 0, "a", -9.0), row(0.01, 1, "b", -9.5), row(0.1, 0, "c", -2.9e19), row(0.1, 0, "d", -10.0)]
    (axes,) = _draw(rows).axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["AEVB, lr 0.01, seed 0", "AEVB, lr 0.01, seed 1", "AEVB, lr 0.1, c", "AEVB, lr 0.1, d"]
    assert [text.get_text() for text in axes.texts] == ["◂ -2.9e+19, -2.9e+19"]


def test_what_is_far_below_is_written_at_the_edge() -> None:
    def row(name: str, bound: float, log_px: float) -> dict[str, Any]:
        setting = {"data": "digits", "model": "bernoulli", "latent_dim": 2, "targets": "grey", "method": name}
        setting |= {"lr": 0.01, "seed": 0, "run": name}
        errors = {"bound_standard_error": 1.0, "log_px_standard_error": 1.0}
        return {**setting, **errors, "bound": bound, "log_px": log_px}

    (axes,) = _draw([row("near", -100.0, -95.0), row("far", -2000.0, -1990.0)]).axes
    assert axes.get_xlim()[0] > -200
    assert [text.get_text() for text in axes.texts] == ["◂ -2,000, -1,990"]
