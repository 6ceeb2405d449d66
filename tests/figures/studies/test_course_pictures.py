"""The course's pictures: what they show is what the models say, and where nothing fits they refuse."""

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure as Canvas
from PIL import Image

import aevb
from aevb.data.image_grid import image_grid
from aevb.errors import UserError
from aevb.figures.common.images import drawn_aspect, show
from aevb.figures.common.style import RC
from aevb.figures.paper.figure4 import Figure4
from aevb.figures.studies.beta import Beta, _objectives
from aevb.figures.studies.bubbles import Bubbles, layers
from aevb.figures.studies.clipping import Clipping
from aevb.figures.studies.interpolation import Interpolation, line
from aevb.figures.studies.keras import Keras
from aevb.figures.studies.posterior_means import PosteriorMeans
from aevb.files.atomic import write_text
from aevb.runs.run import finished
from helpers.figure_runs import plant, plant_model, read_csv


def drawing_of(figure, runs):
    with matplotlib.rc_context(RC):
        return figure.compose(figure.wanted(finished(runs)), ())


def test_an_interpolation_begins_and_ends_at_the_posterior_means_and_is_straight(tmp_path):
    run = plant_model(tmp_path, "data=digits", "latent_dim=5")
    drawing = drawing_of(Interpolation(steps=5), tmp_path)
    model = aevb.load(run)
    test = model.test()
    first, second = (int(np.flatnonzero(test.label == value)[0]) for value in (3, 8))
    means = model.encode(test.x[[first, second]]).mean
    z = np.array([[float(value) for value in row["z"].split()] for row in drawing.rows])
    np.testing.assert_allclose(z[[0, -1]], means, rtol=1e-5)
    np.testing.assert_allclose(np.diff(z, axis=0), np.tile((means[1] - means[0]) / 4, (4, 1)), rtol=1e-3, atol=1e-5)
    expected = np.concatenate([test.x[[first]], model.decode(z.astype("float32")), test.x[[second]]]).reshape(-1, 8, 8)
    np.testing.assert_allclose(drawing.canvas.axes[0].images[0].get_array(), image_grid(expected, 7, 2), atol=1e-5)


def test_a_line_has_its_ends():
    points = line(np.array([0.0, 2.0]), np.array([4.0, 0.0]), 5)
    assert points.tolist() == [[0, 2], [1, 1.5], [2, 1], [3, 0.5], [4, 0]]


def test_classes_and_lines_that_are_none_are_refused(tmp_path):
    plant_model(tmp_path, "data=digits", "latent_dim=5")
    with pytest.raises(
        UserError,
        match=r"figure\.labels=\[3, 11\]: no test image is a 11; allowed: 0, 1, .*try: figure\.labels=\[3,0\]$",
    ):
        drawing_of(Interpolation(labels=(3, 11)), tmp_path)
    with pytest.raises(UserError, match=r"figure\.steps=1: .*allowed: an integer >= 2"):
        Interpolation(steps=1)


def test_bubbles_are_the_posteriors(tmp_path):
    run = plant_model(tmp_path, "data=digits", "latent_dim=2")
    drawing = drawing_of(Bubbles(count=7), tmp_path)
    model = aevb.load(run)
    q = model.encode(model.test().x[:7])
    (ellipses,) = drawing.canvas.axes[0].collections
    np.testing.assert_allclose(ellipses.get_offsets(), q.mean)
    np.testing.assert_allclose(ellipses.get_widths(), 2 * np.exp(q.log_var[:, 0] / 2), rtol=1e-5)
    assert [row["sigma2"] for row in drawing.rows] == pytest.approx(np.exp(q.log_var[:, 1] / 2).tolist(), rel=1e-5)


def test_pictures_of_a_table_have_the_size_of_a_page():
    """An image of 28 x 20 keeps its shape; a row of 784 columns made a picture of 900,000 pixels across."""
    assert (drawn_aspect((28, 20)), drawn_aspect((1, 784))) == (20 / 28, 4)
    for width, aspect in ((120, 1.0), (784, "auto")):
        ax = Canvas().subplots()
        show(ax, np.zeros((10, width)))
        assert ax.get_aspect() == aspect


def test_bubbles_that_cover_each_other_are_transparent(tmp_path):
    assert layers(np.array([[0.0, 0.0], [10.0, 0.0]]), np.ones((2, 2))) == pytest.approx(2 * np.pi / (12 * 2))
    plant_model(tmp_path, "data=digits", "latent_dim=2")  # untrained: all posteriors are nearly N(0, I)
    opacity = []
    for count in (1, 100):
        (ellipses,) = drawing_of(Bubbles(count=count), tmp_path).canvas.axes[0].collections
        opacity.append(float(ellipses.get_facecolors()[0, 3]))
        assert ellipses.get_edgecolors()[:, 3] == pytest.approx(0.55)
    assert opacity[0] == pytest.approx(0.55)
    assert opacity[1] < 0.02


def test_pictures_of_normal_distributions_leave_other_families_out(tmp_path):
    plant_model(tmp_path, "data=digits", "latent_dim=2", "model/encoder=beta")
    for figure in (Bubbles(), Figure4()):
        assert figure.wanted(finished(tmp_path)) == []


@pytest.mark.parametrize("encoder", ["full_covariance", "planar", "iaf"])
def test_bubbles_leave_out_posteriors_whose_ellipses_have_a_slope(tmp_path, encoder):
    """The ellipse of mu and sigma alone lies along the axes, whatever the covariance of q(z|x) is."""
    base = ("data=digits", "latent_dim=2", "objective=sgvb_a")
    plant_model(tmp_path, *base, f"model/encoder={encoder}")
    assert Bubbles().wanted(finished(tmp_path)) == []
    diagonal = plant_model(tmp_path, *base)
    assert [run.directory for run in Bubbles().wanted(finished(tmp_path))] == [diagonal]


def test_pictures_between_points_leave_binary_latents_out(tmp_path):
    """The decoder is not defined between 0 and 1, and a Bernoulli has no ellipse."""
    binary = plant_model(tmp_path, "data=digits", "latent_dim=2", "model=binary", "objective=vimco")
    for figure in (Bubbles(), Interpolation(), Figure4()):
        assert figure.wanted(finished(tmp_path)) == [], figure.name
    beta = plant_model(tmp_path, "data=digits", "latent_dim=2", "model/encoder=beta")
    assert binary != beta
    assert [run.directory for run in Interpolation().wanted(finished(tmp_path))] == [beta]


def test_models_without_an_encoder_or_a_prior_are_left_out(tmp_path):
    plant(tmp_path, "data=digits", "objective=mcem", "latent_dim=2", train={100: -30.0})
    (run,) = finished(tmp_path)
    del run.settings["model"]["prior"]  # as of a user's own class
    for figure in (Bubbles(), Interpolation(), Figure4()):
        assert figure.wanted([run, *finished(tmp_path)]) == [], figure.name


def test_posterior_means_are_drawn_from_what_a_run_recorded(tmp_path):
    run = plant_model(tmp_path, "data=digits", "latent_dim=2")
    plant_model(tmp_path, "data=digits", "latent_dim=3")
    mean = np.random.default_rng(0).normal(size=(4, 6, 2)).astype("float32")
    np.savez(run / "posterior_means.npz", samples_seen=[0, 100, 1000, 2000], mean=mean, label=np.arange(6))
    paths = PosteriorMeans(panels=2, from_samples=1000).draw(tmp_path, tmp_path / "out")
    assert [path.suffix for path in paths] == [".pdf", ".png", ".gif", ".csv", ".md"]
    with Image.open(paths[2]) as animation:
        assert animation.n_frames == 3  # all but the mark before from_samples
    rows = read_csv(paths[3])
    assert [row["samples_seen"] for row in rows] == ["0"] * 6 + ["2000"] * 6
    assert [float(row["z2"]) for row in rows[6:]] == pytest.approx(mean[3, :, 1].tolist(), abs=1e-4)


def metrics_csv(run, **last):
    """Gives a planted run one mark with these columns."""
    head = ["samples_seen", "train_bound", "test_bound", "test_reconstruction", "test_kl", "test_log_px"]
    values = {"samples_seen": 1000, "train_bound": -20.0, "test_bound": -21.0, **last}
    columns = [*head, *(name for name in last if name not in head)]
    row = ",".join(str(values.get(name, "")) for name in columns)
    write_text(run / "metrics.csv", f"{','.join(columns)}\n{row}\n")


def test_beta_names_the_estimators_that_differ():
    rows = [
        {"beta": 1.0, "objective": "sgvb_a"},
        {"beta": 2.0, "objective": "beta_vae"},
        {"beta": 4.0, "objective": "beta_vae"},
    ]
    assert _objectives(rows) == " The objectives: AEVB, estimator A at β = 1; β-VAE at β = 2, 4."
    assert _objectives(rows[1:]) == ""


def test_beta_shows_reconstruction_against_kl_of_runs_that_are_otherwise_alike(tmp_path):
    for beta, kl, reconstruction in (("4", 5.0, -30.0), ("1", 9.0, -20.0)):
        run = plant_model(tmp_path, "data=digits", "latent_dim=5", f"objective.beta={beta}")
        metrics_csv(run, test_kl=kl, test_reconstruction=reconstruction, test_bound=reconstruction - kl)
    for other in (
        ["latent_dim=2"],
        ["latent_dim=5", "objective.beta=2", "optimizer=adam"],
        ["latent_dim=5", "objective.beta=3", "batch_size=50"],
    ):
        metrics_csv(plant_model(tmp_path, "data=digits", *other), test_kl=1.0, test_reconstruction=-1.0)
    pitfall = plant_model(
        tmp_path, "data=digits", "latent_dim=5", "pitfall=kl_sign", "optimizer=adagrad", "model.initialization=paper"
    )
    metrics_csv(pitfall, test_kl=1e18, test_reconstruction=-40.0, test_bound=-1e18)
    for other in (["objective.free_bits=0.5", "objective.beta=0.5"], ["seed=1", "objective.beta=1"]):
        run = plant_model(tmp_path, "data=digits", "latent_dim=5", "objective=beta_vae", *other)
        metrics_csv(run, test_kl=1.0, test_reconstruction=-1.0)
    drawing = drawing_of(Beta(samples=3), tmp_path)
    assert [row["beta"] for row in drawing.rows] == [1, 4]
    assert "seed 0" in drawing.text
    curve = drawing.canvas.axes[0].lines[0]
    assert (list(curve.get_xdata()), list(curve.get_ydata())) == ([9, 5], [-20, -30])
    rows, columns = drawing.canvas.axes[1].images[0].get_array().shape
    assert columns > rows


def test_clipping_shows_the_bound_by_threshold_and_who_diverged(tmp_path):
    for overrides, bound in (
        (("optimizer=sgd", "clip_norm=1"), -30.0),
        (("optimizer=sgd", "clip_value=0.1"), -40.0),
        (("optimizer=adagrad",), -25.0),
        (("optimizer=adagrad", "clip_norm=1"), -26.0),
    ):
        metrics_csv(plant_model(tmp_path, "data=digits", "optimizer.lr=0.01", *overrides), test_bound=bound)
    failed = plant_model(tmp_path, "data=digits", "optimizer.lr=0.01", "optimizer=sgd")
    (failed / "DONE").unlink()
    write_text(failed / "FAILED", "aevb.training.divergence.Diverged: training diverged at samples_seen=100")
    drawing = drawing_of(Clipping(), tmp_path)
    norm, value = drawing.canvas.axes
    named = {item.get_label(): item.get_xydata().tolist() for item in norm.lines if item.get_label()[0] != "_"}
    assert named["sgd, learning rate 0.01: diverged unclipped"] == [[1, -30]]
    assert named["adagrad, learning rate 0.01"] == [[1, -26]]
    assert [item.get_ydata()[0] for item in norm.lines if item.get_label()[0] == "_"] == [-25]
    assert value.lines[0].get_xydata().tolist() == [[0.1, -40]]
    assert "| sgd | 0.01 | diverged | -30.0 | -40.0 |" in drawing.text


def test_clipping_is_of_runs_that_are_otherwise_alike(tmp_path):
    for overrides, bound in (
        (("clip_norm=1",), -30.0),
        (("clip_norm=2",), -29.0),
        (("clip_norm=4", "latent_dim=5"), -1.0),
        (("clip_norm=4", "seed=1"), -2.0),
        (("clip_norm=4", "batch_size=50"), -3.0),
        (("clip_norm=4", "objective=iwae"), -4.0),
    ):
        metrics_csv(plant_model(tmp_path, "data=digits", "optimizer.lr=0.01", *overrides), test_bound=bound)
    metrics_csv(
        plant_model(tmp_path, "data=digits", "model.encoder=null", "objective=mcem", "evaluator=ais"), test_bound=""
    )
    drawing = drawing_of(Clipping(), tmp_path)
    assert sorted(row["test_bound"] for row in drawing.rows) == [-30, -29]
    # Nothing says that the run without clipping diverged: it may have been stopped, or never started.
    assert "| adagrad | 0.01 | no run | -30.0 | -29.0 |" in drawing.text
    assert "seed 0" in drawing.text


def test_keras_takes_the_claim_from_the_evaluation_points(tmp_path):
    values = {"pitfall_bce_as_marginal_likelihood_claimed_log_px": -10.0, "log_px": -12.0, "parts_bound": -13.0}
    values |= {"parts_reconstruction": -10.0, "parts_kl": 3.0}
    columns = {f"test_{name}": value for name, value in values.items()}
    columns |= {f"train_{name}": value + 2 for name, value in values.items()}
    for size in (100, 1000):
        evaluators = "evaluator=[bound,importance]"
        run = plant_model(
            tmp_path, "data=digits", "optimizer=adam", f"data.n_train={size}", "objective.weight_prior=0", evaluators
        )
        metrics_csv(run, **{"samples_seen": 20000, **columns})
    metrics_csv(plant_model(tmp_path, "data=digits", "optimizer=adam"))
    drawing = drawing_of(Keras(), tmp_path)
    expected = "| 100 | none | end, 20,000 | -8.00 | -10.00 | -11.00 | 5.00 | -10.00 | -12.00 | -13.00 | 3.00 |"
    assert expected in drawing.text
    assert len(drawing.rows) == 3
    assert drawing.canvas.axes[0].get_title().startswith("Digits")


def test_keras_says_which_runs_have_a_prior_and_takes_every_objective(tmp_path):
    columns = {
        f"{split}_{name}": -10.0 for split in ("train", "test") for name in ("log_px", "parts_bound", "parts_kl")
    }
    columns["test_pitfall_bce_as_marginal_likelihood_claimed_log_px"] = -9.0
    adam = ("data=digits", "optimizer=adam", "evaluator=[bound,importance]")
    # evaluation.splits=test: there is no claim on the training images
    metrics_csv(plant_model(tmp_path, *adam, "data.n_train=100"), samples_seen=20000, **columns)
    metrics_csv(plant_model(tmp_path, *adam, "objective=full_vb"))
    without_parts = {name: value for name, value in columns.items() if "parts" not in name}
    metrics_csv(plant_model(tmp_path, *adam, "data.n_train=150"), **without_parts)
    drawing = drawing_of(Keras(), tmp_path)
    assert [ax.get_title() for ax in drawing.canvas.axes[1:2]] == ["$N_{train}$ = 100, prior on the weights"]
    assert sorted(str(row["weight_prior"]) for row in drawing.rows) == ["1.0", "1.0", "None"]


def test_a_run_that_diverged_does_not_set_the_scale_of_keras(tmp_path):
    curves = {2: {1000: -30.0, 20000: -20.0}, 5: {1000: -30.0, 20000: -4e9}}
    for latent_dim, bounds in curves.items():
        plant(tmp_path, "data=digits", "optimizer=adam", f"latent_dim={latent_dim}", train=bounds)
    (ax,) = drawing_of(Keras(), tmp_path).canvas.axes
    assert -32 < ax.get_ylim()[0] < ax.get_ylim()[1] < -20
