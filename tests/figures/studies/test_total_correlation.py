"""The figure of the parts of the KL divergence: which runs are compared, and their numbers."""

import math

import matplotlib
import pytest
import torch

from aevb.evaluators.bound import Bound
from aevb.evaluators.evaluator import Evaluation
from aevb.evaluators.record import record
from aevb.evaluators.total_correlation import TotalCorrelation as Evaluator
from aevb.figures.common.style import RC
from aevb.figures.studies.beta import Beta
from aevb.figures.studies.total_correlation import TotalCorrelation
from aevb.runs.run import finished
from helpers.figure_runs import plant

OBJECTIVES = {"beta_vae": 1.0, "beta_tcvae": 0.5, "factor_vae": 0.25}
"""Objectives, and the planted total correlation in units of that of the first."""


def put(run, correlation, bound, images=2, split="test"):
    parts = {"mutual_information": 3.0, "total_correlation": correlation, "dimension_kl": 0.5, "kl": 3.5 + correlation}
    for evaluator, values in ((Evaluator(), parts), (Bound(), {"bound": bound, "reconstruction": 0.0, "kl": 0.0})):
        tensors = {name: torch.tensor([value] * images).double() for name, value in values.items()}
        record(run, evaluator, Evaluation(tensors, evaluator.primary_value, {}), split, None)


@pytest.fixture
def runs(tmp_path):
    for seed in (0, 1):
        for beta in (1, 4):
            for name in OBJECTIVES:
                words = (f"objective={name}", f"objective.beta={beta}", f"seed={seed}")
                scale = OBJECTIVES[name]
                put(plant(tmp_path, *words, train={100: -90.0}), scale * (8 / beta + seed), -100.0 - beta)
    for words in (
        ("objective=beta_vae", "objective.warm_up=10"),  # another loss
        ("objective=beta_tcvae", "objective.alpha=0"),
        ("objective=beta_vae", "latent_dim=3"),  # another model
    ):
        put(plant(tmp_path, *words, train={100: -90.0}), 1.0, -1.0)
    plant(tmp_path, "objective=beta_vae", "objective.beta=2", train={100: -90.0})  # not evaluated
    put(
        plant(tmp_path, "objective=beta_vae", "objective.beta=3", train={100: -90.0}), 1.0, -1.0, images=4
    )  # another log n
    return finished(tmp_path)


def test_runs_that_differ_in_objective_beta_and_seed_are_compared(runs):
    figure = TotalCorrelation()
    wanted = figure.wanted(runs)
    with matplotlib.rc_context(RC):
        drawing = figure.compose(wanted, ())
    table = {(row["objective"], row["beta"], row["seed"]): row for row in drawing.rows}
    assert table.keys() == {(name, beta, s) for name in OBJECTIVES for beta in (1, 4) for s in (0, 1)}
    assert table["beta_vae", 4, 1]["total_correlation"] == 3.0
    assert table["beta_tcvae", 1, 0]["bound"] == -101.0
    left = drawing.canvas.axes[0]
    lines = {line.get_label(): line.get_ydata().tolist() for line in left.lines if len(line.get_xdata()) == 2}
    means = {"β-VAE": [8.5, 2.5], "β-TCVAE": [4.25, 1.25], "FactorVAE": [2.125, 0.625]}  # over seeds
    assert {name: lines[name] for name in means} == means
    assert "| β-VAE | 4 | 2 | 2.50 | 3.00 | -104.00 | 0.50 |" in drawing.text


def test_the_evaluations_of_another_split_are_drawn(runs):
    put(TotalCorrelation().wanted(runs)[0].directory, 7.0, -50.0, images=5, split="train")
    figure = TotalCorrelation(split="train")
    wanted = figure.wanted(finished(runs[0].directory.parent))
    with matplotlib.rc_context(RC):
        drawing = figure.compose(wanted, ())
    assert [(row["total_correlation"], row["bound"], row["split"], row["images"]) for row in drawing.rows] == [
        (7.0, -50.0, "train", 5)
    ]
    assert "the first 5 training images" in drawing.text
    ceiling = drawing.canvas.axes[1].lines[-1]
    assert ceiling.get_ydata() == pytest.approx([math.log(5)] * 2)


def test_the_curve_along_beta_has_one_of_the_three_objectives(runs):
    for run in runs:
        metrics = (run.directory / "metrics.csv").read_text().replace(",,,", ",-1,1,")
        (run.directory / "metrics.csv").write_text(metrics)
    kinds = {run.settings["choices"]["objective"] for run in Beta().wanted(finished(runs[0].directory.parent))}
    assert len(kinds) == 1


def test_the_curve_along_beta_does_not_mix_weights_of_the_kl_and_of_the_total_correlation(tmp_path):
    for words in (
        ("objective=sgvb_b",),
        ("objective=factor_vae", "objective.beta=2"),
        ("objective=factor_vae", "objective.beta=8"),
    ):
        run = plant(tmp_path, *words, train={100: -90.0})
        metrics = (run / "metrics.csv").read_text().replace(",,,", ",-1,1,")
        (run / "metrics.csv").write_text(metrics)
    assert [run.settings["objective"]["beta"] for run in Beta().wanted(finished(tmp_path))] == [2, 8]


def test_runs_of_an_objective_that_differ_in_more_than_beta_are_not_mixed(tmp_path):
    """A single run of a smaller discriminator is left out, also where it is the only one with its beta."""
    for words in (
        ("beta=2",),
        ("beta=4",),
        ("beta=4", "hidden_dim=50"),
        ("beta=8", "hidden_dim=50"),
        ("beta=6", "hidden_dim=9"),
    ):
        typed = ("objective=factor_vae", *(f"objective.{word}" for word in words))
        put(plant(tmp_path, *typed, train={100: -90.0}), float(len(words)), -100.0)
    put(plant(tmp_path, "objective=factor_vae", "objective.beta=1", train={100: -90.0}), 1.0, -100.0)
    wanted = TotalCorrelation().wanted(finished(tmp_path))
    assert [(run.settings["objective"]["beta"], run.settings["objective"]["hidden_dim"]) for run in wanted] == [
        (beta, [200, 200, 200]) for beta in (1, 2, 4)
    ]
