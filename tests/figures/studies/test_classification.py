"""The figure of wrong images along the number of labels: which runs are compared, and their numbers."""

import matplotlib
import pytest
import torch

from aevb.evaluators.classification import Classification as Evaluator
from aevb.evaluators.evaluator import Evaluation
from aevb.evaluators.record import record
from aevb.figures.common.style import RC
from aevb.figures.studies.classification import Classification
from aevb.runs.run import finished
from helpers.figure_runs import plant

M2 = ("model=semi_supervised", "objective=semi_supervised")


def put(run, error, images=4, rule="classifier"):
    values = {"error": torch.full((images,), error).double(), "cross_entropy": torch.ones(images).double()}
    suffix = None if rule == "classifier" else rule
    record(run, Evaluator(suffix), Evaluation(values, "error", {"rule": rule}), "test", None)


@pytest.fixture
def runs(tmp_path):
    for seed in (0, 1):
        for alpha in (0.5, 2.0):
            for labels in (100, 1000):
                words = (f"objective.labels={labels}", f"objective.alpha={alpha}", f"seed={seed}")
                run = plant(tmp_path, *M2, *words, train={100: -90.0})
                put(run, (0.25 if labels == 100 else 0.125) / alpha + seed / 64)
                put(run, 0.9, rule="bound")
    put(plant(tmp_path, *M2, "latent_dim=3", train={100: -90.0}), 0.5)  # another model
    put(plant(tmp_path, *M2, "objective.samples=2", train={100: -90.0}), 0.5)  # another loss
    put(plant(tmp_path, "model=conditional", train={100: -90.0}), 0.5, rule="bound")
    plant(tmp_path, *M2, "objective.labels=50", train={100: -90.0})  # not evaluated
    return finished(tmp_path)


def test_runs_that_differ_in_labels_alpha_and_seed_are_compared(runs):
    figure = Classification()
    wanted = figure.wanted(runs)
    with matplotlib.rc_context(RC):
        drawing = figure.compose(wanted, ())
    table = {(row["labels"], row["alpha"], row["seed"]): row["error"] for row in drawing.rows}
    assert table.keys() == {(labels, alpha, seed) for labels in (100, 1000) for alpha in (0.5, 2.0) for seed in (0, 1)}
    assert (table[100, 0.5, 0], table[1000, 2.0, 1]) == (0.5, 0.0625 + 1 / 64)
    (ax,) = drawing.canvas.axes
    lines = {line.get_label(): line.get_ydata().tolist() for line in ax.lines if line.get_label().startswith("α")}
    half = 100 / 128  # the mean of both seeds
    assert lines == {"α = 0.5": [50 + half, 25 + half], "α = 2": [12.5 + half, 6.25 + half]}
    assert [label.get_text() for label in ax.get_xticklabels()] == ["100", "1,000"]
    assert "| 100 | 0.5 | 2 | 50.78 | 50.00–51.56 |" in drawing.text


def test_other_runs_alone_serve_nothing(tmp_path):
    put(plant(tmp_path, "model=conditional", train={100: -90.0}), 0.5, rule="bound")
    assert Classification().wanted(finished(tmp_path)) == []
