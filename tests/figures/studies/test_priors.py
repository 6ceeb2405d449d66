"""The figure of learned priors: contours of known mass, comparable runs, and the terms of the bound."""

import math

import matplotlib
import numpy as np
import pytest
import torch

from aevb.evaluators.evaluator import Evaluation
from aevb.evaluators.information import Information
from aevb.evaluators.record import record
from aevb.figures.common.style import RC
from aevb.figures.studies.priors import Priors, contour_levels
from aevb.runs.run import finished
from helpers.figure_runs import plant, plant_model

BASE = ("data=digits", "objective=sgvb_a", "latent_dim=2", "hidden_dim=5")


def put(run, marginal_kl, images=2):
    terms = {"bound": -30.0 - marginal_kl, "reconstruction": -27.0, "kl": 3.0 + marginal_kl, "mutual_information": 3.0}
    values = {
        name: torch.tensor([value] * images, dtype=torch.float64)
        for name, value in (terms | {"marginal_kl": marginal_kl}).items()
    }
    record(run, Information(), Evaluation(values, "mutual_information", {}), "test", None)


def test_contours_of_the_standard_normal_hold_their_masses():
    """A disc of mass m ends where the density is (1 - m) / 2 pi."""
    axis = np.linspace(-6, 6, 1001)
    density = np.exp(-0.5 * (axis[:, None] ** 2 + axis**2)) / (2 * math.pi)
    assert contour_levels(density) == pytest.approx([(1 - mass) / (2 * math.pi) for mass in (0.99, 0.9, 0.5)], rel=0.01)


def test_one_panel_a_prior_and_one_row_a_run(tmp_path):
    for seed in (0, 1):
        for prior, marginal_kl in (("standard_normal", 0.9), ("mixture", 0.4), ("vamp", 0.2)):
            put(plant_model(tmp_path, *BASE, f"model/prior={prior}", f"seed={seed}"), marginal_kl + seed)
    plant(tmp_path, *BASE, "model/prior=mixture", "seed=2", train={1000: -20.0})  # not evaluated
    put(plant(tmp_path, *BASE, "batch_size=50", train={1000: -20.0}), 0.1)  # not comparable
    put(
        plant(tmp_path, *BASE, "model/prior=mixture", "seed=3", train={1000: -20.0}), 0.1, images=4
    )  # I is at most log n
    figure = Priors(count=20)
    runs = figure.wanted(finished(tmp_path))
    with matplotlib.rc_context(RC):
        drawing = figure.compose(runs, ())
    drawn = [(row["prior"], row["seed"], row["marginal_kl"]) for row in drawing.rows]
    assert drawn == [
        *(("N(0, I)", seed, 0.9 + seed) for seed in (0, 1)),
        *(("mixture", seed, 0.4 + seed) for seed in (0, 1)),
        *(("VampPrior", seed, 0.2 + seed) for seed in (0, 1)),
    ]
    titles = [ax.get_title() for ax in drawing.canvas.axes]
    assert titles == [
        f"p(z): {name}; marginal KL {kl:.2f} nats"
        for name, kl in (("N(0, I)", 0.9), ("mixture", 0.4), ("VampPrior", 0.2))
    ]
    assert "of the first 2 images" in drawing.text
    assert "| VampPrior | 1 | -31.20 | -27.00 | 4.20 | 3.00 | 1.20 |" in drawing.text
    assert all(len(ax.collections) == 1 for ax in drawing.canvas.axes)  # contours
