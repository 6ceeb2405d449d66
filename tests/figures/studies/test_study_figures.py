"""Figures of shapes, samples and the mixture: which runs they are drawn from, and numbers that are known."""

import matplotlib
import numpy as np
import pytest
import torch
from scipy import stats

import aevb
from aevb.errors import UserError
from aevb.evaluators.ais import AIS
from aevb.evaluators.evaluator import Evaluation
from aevb.evaluators.reconstruction import Reconstruction
from aevb.evaluators.record import record
from aevb.evaluators.shapes import Shapes as ShapesEvaluator
from aevb.figures.common.style import RC
from aevb.figures.studies.keras import Keras
from aevb.figures.studies.mixture import Mixture, _draw, _fit
from aevb.figures.studies.posterior_families import PosteriorFamilies
from aevb.figures.studies.samples import Samples
from aevb.figures.studies.shapes import Shapes
from aevb.files.atomic import write_json
from aevb.runs.records import read_json
from aevb.runs.run import finished
from helpers.figure_runs import plant, plant_model


def drawing_of(figure, runs):
    with matplotlib.rc_context(RC):
        return figure.compose(figure.wanted(finished(runs)), ())


def put(run, evaluator, summary=None, **values):
    tensors = {name: torch.as_tensor(value).double() for name, value in values.items()}
    record(run, evaluator, Evaluation(tensors, evaluator.primary_value, summary or {}), "test", None)


def shaped(runs, *overrides, error, share):
    run = plant_model(runs, "data=shapes", "data.n_train=100", "model=convolutional", "latent_dim=2", *overrides)
    put(run, Reconstruction(), squared_error=[error, error], mean_square_error=[error / 784] * 2, log_px_z=[0, 0])
    names = ("recognisable_reconstruction", "recognisable_sample", "recognisable_original")
    values = {name: [share, share] for name in (*names, "reconstruction_overlap", "sample_overlap")}
    summary = {"sample_kinds": {"rectangle": 1, "circle": 1, "triangle": 0}, "threshold": 0.85}
    put(run, ShapesEvaluator(), summary, **values, sample_kind=[0, 1])
    return run


def test_shapes_have_a_column_for_each_configuration(tmp_path):
    for seed, error in ((0, 2.0), (1, 4.0)):
        shaped(tmp_path, f"seed={seed}", error=error, share=0.25)
    shaped(tmp_path, "objective=mmd", "objective.weight=10", error=1.0, share=0.5)
    shaped(tmp_path, "objective=mmd", "model.encoder.variance=0.1", error=1.0, share=0.5)
    plant_model(tmp_path, "data=shapes", "latent_dim=2")  # without evaluations
    drawing = drawing_of(Shapes(side=2), tmp_path)
    titles = [ax.get_title() for ax in drawing.canvas.axes]
    assert titles[:4] == [
        "test images",
        "VAE\nreconstructions",
        "MMD-VAE, λ = 10\nreconstructions",
        "MMD-VAE, λ = 100,\nnoise 0.1\nreconstructions",
    ]
    assert len(drawing.rows) == 4
    assert "| VAE | 2 | 0.00383 (0.00255 to 0.00510) | 3.00 (2.00 to 4.00) | 25.0% (25.0% to 25.0%) |" in drawing.text
    assert "| MMD-VAE, λ = 10 | 1 | 0.00128 | 1.00 | 50.0% | 50.0% |" in drawing.text


def test_shapes_of_other_sizes_are_other_columns_and_a_seed_counts_once(tmp_path):
    shaped(tmp_path, "seed=0", error=2.0, share=0.25)
    shaped(tmp_path, "seed=0", "max_samples=2000", error=2.0, share=0.25)
    shaped(tmp_path, "seed=1", "hidden_dim=20", error=8.0, share=0.5)
    shaped(tmp_path, "seed=1", "optimizer.lr=0.1", error=8.0, share=0.5)
    text = drawing_of(Shapes(side=2), tmp_path).text
    assert [line.split(" | ")[1] for line in text.splitlines() if line.startswith("| VAE")] == ["1", "1", "1"]


def test_samples_are_of_each_objectives_longest_run_and_leave_the_autoencoder_out(tmp_path):
    plant_model(tmp_path, "data=digits", "latent_dim=2", "seed=1")
    run = plant_model(tmp_path, "data=digits", "latent_dim=2", "objective=gan", train={100: -1.0, 2000: -1.0})
    plant_model(tmp_path, "data=digits", "latent_dim=2", "objective=gan", "seed=1")
    plant_model(tmp_path, "data=digits", "latent_dim=2", "objective=autoencoder")
    many = {"log_px": [1.0, 3.0], "effective_samples": [2.0, 2.0]}
    put(run, AIS(observation_sigma=0.5), **many)
    put(run, AIS(observation_sigma=0.1), **many)
    put(run, AIS(), **many)
    drawing = drawing_of(Samples(side=3), tmp_path)
    titles = [ax.get_title().splitlines()[0] for ax in drawing.canvas.axes]
    assert titles == ["AEVB", "GAN"]
    assert [(row["objective"], row["sigma"]) for row in drawing.rows] == [("sgvb_b", None), ("gan", 0.1), ("gan", 0.5)]
    assert drawing.rows[1]["samples_seen"] == 2000
    assert "| GAN | Digits 8×8 | 2,000 | 0.1 | 2.0 ± 1.0 (2 test images) | 2.0 of 8 |" in drawing.text


def test_the_mixture_stands_beside_a_vae(tmp_path):
    plant_model(tmp_path, "data=digits", "latent_dim=2")
    run = plant_model(tmp_path, "data=digits", "latent_dim=2", "objective=autoencoder")
    plant_model(tmp_path, "data=digits", "latent_dim=3", "objective=autoencoder")
    drawing = drawing_of(Mixture(components=3, side=2, draws=500, images=20), tmp_path)
    assert [ax.get_title() for ax in drawing.canvas.axes[:3]] == [
        "autoencoder: codes, mixture of 3",
        "autoencoder: samples, z from the mixture",
        "autoencoder: samples, z from $N(0, I)$",
    ]
    assert [(row["model"], row["latent_distribution"]) for row in drawing.rows] == [
        (model, z) for model in ("autoencoder", "AEVB") for z in ("mixture", "N(0, I)")
    ]
    model = aevb.load(run)
    codes = model.encode(model.test().x).mean
    assert drawing.rows[1]["test_code"] == pytest.approx(
        stats.multivariate_normal(np.zeros(2)).logpdf(codes).mean(), rel=1e-5
    )
    fitted = _fit(model.encode(model.dataset.load().train.x).mean, 3, 0)
    parts = zip(fitted.weights_, fitted.means_, fitted.covariances_, strict=True)
    density = sum(w * stats.multivariate_normal(m, s).pdf(codes) for w, m, s in parts)
    assert drawing.rows[0]["test_code"] == pytest.approx(np.log(density).mean(), rel=1e-6)
    assert drawing.rows[0]["test_code"] > drawing.rows[1]["test_code"]


def test_draws_of_a_mixture_have_its_mean_and_covariance():
    """20,000 draws of two components: mean and covariance within 5 standard errors, a chance of 3e-6 in all."""
    rng = np.random.default_rng(0)
    codes = np.concatenate([rng.normal([3, 0], [1, 0.2], (300, 2)), rng.normal([-1, 2], 0.5, (100, 2))])
    mixture = _fit(codes, 2, 0)
    z = _draw(mixture, np.random.default_rng(1), 20_000)
    weights, means = mixture.weights_, mixture.means_
    mean = weights @ means
    second = np.einsum("k,kij->ij", weights, mixture.covariances_ + means[:, :, None] * means[:, None, :])
    covariance = second - np.outer(mean, mean)
    assert np.abs(z.mean(0) - mean).max() < 5 * np.sqrt(np.diag(covariance).max() / len(z))
    centred = z - mean
    outer = centred[:, :, None] * centred[:, None, :]
    assert (np.abs(outer.mean(0) - covariance) < 5 * outer.std(0) / np.sqrt(len(z))).all()


def test_runs_that_do_not_serve(tmp_path):
    plant(tmp_path, "latent_dim=3", "objective=autoencoder", train={100: -1.0})
    for figure in (Mixture(), Samples(), Shapes()):
        with pytest.raises(UserError, match=r"none of the 1 finished runs serves.*try: aevb-train "):
            figure.draw(tmp_path, tmp_path / "out")


def test_names_longer_than_those_of_families_are_not_cut(tmp_path):
    for key in (
        "optimizer.lr=0.1",
        "objective.samples=10",
        "model.initialization=glorot",
        "evaluation.train_window=12345",
    ):
        run = plant(tmp_path, "data=digits", "latent_dim=2", key, train={1000: -40.0})
        test = {name: {"mean": -40.0, "standard_error": 0.1} for name in ("bound", "importance")}
        write_json(run / "DONE", read_json(run / "DONE") | {"test": test})
        config = read_json(run / "config.yaml")
        choices = config["choices"] | {"model/encoder": "a_family_of_a_long_name", "model/prior": "standard_normal"}
        write_json(run / "config.yaml", config | {"choices": choices})
    canvas = drawing_of(PosteriorFamilies(), tmp_path).canvas
    canvas.draw_without_rendering()
    labels = canvas.axes[0].get_yticklabels()
    assert max(len(label.get_text()) for label in labels) > 60
    assert min(label.get_window_extent().x0 for label in labels) >= 0


def test_runs_of_one_latent_dim_have_one_colour_and_one_name_in_the_legend(tmp_path):
    for latent_dim, seed in ((2, 0), (2, 1), (5, 0)):
        keys = ("data=digits", "optimizer=adam", f"latent_dim={latent_dim}", f"seed={seed}")
        plant(tmp_path, *keys, train={1000: -40.0, 2000: -30.0})
    (axes,) = drawing_of(Keras(), tmp_path).canvas.axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["$N_z = 2$", "$N_z = 5$"]
    assert len({line.get_color() for line in axes.lines}) == 2
