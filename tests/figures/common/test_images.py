"""Figures that show images: where the latent values lie, which run is shown, what is written."""

import matplotlib
import numpy as np
import pytest
from scipy.stats import norm

import aevb
from aevb.data.image_grid import image_grid
from aevb.errors import UserError
from aevb.figures.common.run_choice import representatives
from aevb.figures.common.style import RC
from aevb.figures.paper.figure4 import Figure4, manifold
from aevb.figures.paper.figure5 import Figure5
from aevb.figures.studies.latent import Latent, plane
from aevb.figures.studies.reconstructions import Reconstructions, examples
from aevb.runs.run import finished
from helpers.figure_runs import plant, plant_model, read_csv


def drawing_of(figure, runs):
    with matplotlib.rc_context(RC):
        return figure.compose(figure.wanted(finished(runs)), ())


def test_the_manifold_is_the_inverse_cdf_of_cell_centres():
    z = manifold(20)
    assert z.shape == (400, 2)
    assert np.isfinite(z).all()
    assert z[0] == pytest.approx([norm.ppf(0.025), norm.ppf(0.975)])  # left, top
    assert z[19] == pytest.approx([norm.ppf(0.975), norm.ppf(0.975)])
    assert z[-20] == pytest.approx([norm.ppf(0.025), norm.ppf(0.025)])
    # Every cell is equally probable: both coordinates' CDFs are evenly spread.
    assert np.unique(norm.cdf(z[:, 0]).round(9)) == pytest.approx((np.arange(20) + 0.5) / 20)


def test_tiles_read_like_text():
    images = np.arange(6, dtype=np.float32)[:, None, None] * np.ones((1, 56, 56), dtype=np.float32)
    picture = image_grid(images, columns=3, gap=2)
    assert picture.shape == (2 * 58 - 2, 3 * 58 - 2)
    assert picture[::58, ::58].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert picture[57, 0] == picture[0, 57] == 0.75  # the gap


def test_figure_4_shows_the_decoder_at_those_values(tmp_path):
    run = plant_model(tmp_path, "latent_dim=2", "data=digits")
    plant_model(tmp_path, "latent_dim=2")
    plant_model(tmp_path, "latent_dim=3")
    drawing = drawing_of(Figure4(), tmp_path)
    assert [ax.get_title() for ax in drawing.canvas.axes] == ["MNIST, 20×20", "Digits 8×8, 15×15"]
    picture = drawing.canvas.axes[1].images[0].get_array()
    means = aevb.load(run).decode(manifold(15)).reshape(-1, 8, 8)
    np.testing.assert_allclose(picture, image_grid(means, 15, gap=3))
    rows = [row for row in drawing.rows if row["data"] == "mnist"]
    assert len(rows) == 400
    assert (rows[1]["z1"], rows[1]["z2"]) == pytest.approx((norm.ppf(1.5 / 20), norm.ppf(19.5 / 20)))


def test_figure_5_has_a_labelled_panel_for_each_latent_dimension_that_has_runs(tmp_path):
    for latent_dim in (2, 7, 20):
        plant_model(tmp_path, "data=digits", f"latent_dim={latent_dim}")
    drawing = drawing_of(Figure5(), tmp_path)
    titles = [ax.get_title() for ax in drawing.canvas.axes]
    assert titles == ["Digits 8×8, 2-D latent space", "Digits 8×8, 20-D latent space"]
    assert [row["samples"] for row in drawing.rows] == [100, 100]


def test_reconstructions_use_the_same_images_and_write_their_errors(tmp_path):
    runs = [plant_model(tmp_path, "data=digits", f"latent_dim={latent_dim}") for latent_dim in (2, 5)]
    paths = Reconstructions().draw(tmp_path, tmp_path / "out")
    assert [path.suffix for path in paths] == [".pdf", ".png", ".csv", ".md"]
    rows = read_csv(paths[2])
    assert all(run.name in paths[3].read_text() for run in runs)
    indices = [[row["test_index"] for row in rows if row["latent_dim"] == dim] for dim in ("2", "5")]
    assert indices[0] == indices[1]
    assert [row["label"] for row in rows[:10]] == list("0123456789")
    model = aevb.load(runs[0])
    x = model.test().x[int(rows[3]["test_index"])]
    assert float(rows[3]["mean_square_error"]) == pytest.approx(
        float(((model.reconstruct(x) - x) ** 2).mean()), rel=1e-4
    )


def test_examples_are_the_first_of_every_class_then_the_second():
    label = np.array([1, 1, 0, 1, 0, 2])
    assert examples(label, 5).tolist() == [2, 0, 5, 4, 1]
    assert examples(np.zeros(11, dtype=int), 3).tolist() == [0, 5, 10]


def test_latent_scatter_is_of_the_posterior_means(tmp_path):
    run = plant_model(tmp_path, "data=digits", "latent_dim=2")
    plant_model(tmp_path, "data=digits", "latent_dim=1")
    drawing = drawing_of(Latent(latent_dims=[1, 2], count=50), tmp_path)
    (ax,) = drawing.canvas.axes
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$z_1$", "$z_2$")
    model = aevb.load(run)
    test = model.test()
    mean = model.encode(test.x[:50]).mean
    assert [(row["horizontal"], row["vertical"]) for row in drawing.rows] == [pytest.approx(tuple(z)) for z in mean]
    assert sum(len(line.get_xdata()) for line in ax.lines) == 50
    threes = next(line for line in ax.lines if line.get_marker() == "$3$")
    assert np.stack(threes.get_data(), 1) == pytest.approx(mean[test.label[:50] == 3])


def test_more_than_two_dimensions_are_projected_and_named_so():
    rng = np.random.default_rng(0)
    mean = rng.normal(size=(200, 3)) @ np.diag([3.0, 2.0, 0.1]) + 7
    points, names = plane(mean)
    covariance = np.cov(points.T)
    top = np.linalg.eigvalsh(np.cov(mean.T))[::-1]
    assert covariance == pytest.approx(np.diag(top[:2]), abs=1e-9)
    assert names[0] == f"first principal component ({top[0] / top.sum():.0%} of variance)"


def test_the_longest_run_at_the_chosen_lr_is_shown(tmp_path):
    short = {100: -500.0, 1000: -200.0}
    plant(tmp_path, "latent_dim=2", "seed=0", train=short)
    chosen = plant(tmp_path, "latent_dim=2", "seed=1", train={**short, 2000: -150.0})
    plant(tmp_path, "latent_dim=2", "optimizer.lr=0.1", train={100: -500.0, 1000: -300.0, 5000: -250.0})
    plant(tmp_path, "latent_dim=2", "data.targets=dynamic", train=short)
    assert representatives(finished(tmp_path))["mnist", 2].directory == chosen


@pytest.mark.parametrize("figure", [Figure4(), Figure5(latent_dims=[2]), Latent(), Reconstructions(latent_dims=[2])])
def test_runs_of_other_dimensions_do_not_serve(tmp_path, figure):
    plant(tmp_path, "latent_dim=3", train={100: -500.0})
    with pytest.raises(UserError, match=r"none of the 1 finished runs serves.*try: aevb-train "):
        figure.draw(tmp_path, tmp_path / "out")
