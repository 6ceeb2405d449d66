"""The figure of learned priors: contours of known mass, comparable runs, and the terms of the bound."""

import math
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure as Canvas
from torch.distributions import Normal

from aevb.evaluators.evaluator import Evaluation
from aevb.evaluators.information import Information
from aevb.evaluators.record import record
from aevb.figures.common.style import RC
from aevb.figures.studies.priors import Priors, _draw_contours, contour_levels
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


def test_one_panel_a_prior_and_one_row_a_run(tmp_path, caplog):
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
    drawing.canvas.savefig(tmp_path / "priors.png")
    assert caplog.text == ""  # matplotlib names limits that it does not keep


def test_a_panel_is_about_the_draws_and_holds_p_of_z_far_from_zero():
    far = Normal(torch.tensor([6.0, -9.0]), torch.ones(2))
    prior = SimpleNamespace(log_prob=lambda z: far.log_prob(z).sum(-1))
    model = SimpleNamespace(model=SimpleNamespace(prior=lambda: prior), dtype=torch.float64)
    ax = Canvas().subplots()
    _draw_contours(ax, model, np.array([[5.0, -10.0], [6.0, -9.5]]))
    width, height = (np.ptp(limits) for limits in (ax.get_xlim(), ax.get_ylim()))
    assert width == pytest.approx(height)
    assert 8 < width < 10  # 7 standard deviations hold 0.9995 of p(z); its centre is 0.75 off that of the draws
    assert sum(ax.get_xlim()) / 2 == pytest.approx(5.5)
    assert sum(ax.get_ylim()) / 2 == pytest.approx(-9.75)
    (contours,) = ax.collections
    for path, mass in zip(contours.get_paths(), (0.99, 0.9, 0.5), strict=True):
        assert np.hypot(*(path.vertices - [6, -9]).T) == pytest.approx(math.sqrt(-2 * math.log(1 - mass)), rel=0.02)
