"""aevb.load: a finished run as an object, from anywhere."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

import aevb
from aevb.data.target_convention import TargetConvention
from aevb.errors import UserError
from helpers.commands import python
from helpers.figure_runs import plant, plant_model

EXAMPLE = """\
import aevb

vae = aevb.load("outputs/runs/digits-sgvb_b-adagrad-z2-s0")
x = vae.test().x[:5]                                  # (5, 64); numpy arrays or torch tensors

mean, log_var = vae.encode(x)                         # q(z|x), (5, 2) each
means = vae.decode(mean).reshape(-1, *vae.shape)      # means of p(x|z), (5, 8, 8)
new = vae.sample(16, seed=0)                          # means of p(x|z) at z ~ p(z), (16, 64)
log_px, ess, error = vae.log_px(x, samples=1000)      # nats per image, effective samples, standard error
print(vae.settings["latent_dim"], log_px.mean())
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return plant_model(tmp_path_factory.mktemp("runs"), "data=digits", "latent_dim=2")


@pytest.fixture(scope="module")
def vae(run):
    return aevb.load(run)


@pytest.fixture(scope="module")
def x(vae):
    return vae.test().x[:6]


def test_import_is_light_and_load_stays_a_function():
    code = (
        "import sys, aevb; assert 'torch' not in sys.modules and 'lightning' not in sys.modules; import aevb.evaluation.trained_model; "
        "assert callable(aevb.load)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_numpy_in_numpy_out_torch_in_torch_out(vae, x):
    arrays, tensors = vae.encode(x), vae.encode(torch.from_numpy(x))
    assert isinstance(arrays.mean, np.ndarray)
    assert isinstance(tensors.mean, torch.Tensor)
    assert not tensors.mean.requires_grad
    assert (tensors.log_var.numpy() == arrays.log_var).all()
    assert isinstance(vae.decode(tensors.mean), torch.Tensor)
    assert isinstance(vae.log_px(torch.from_numpy(x), samples=3).log_px, torch.Tensor)


def test_numbers_are_those_of_the_networks(vae, x):
    w = {key: value.numpy().astype(np.float64) for key, value in vae.model.state_dict().items()}
    h = np.tanh(x @ w["encoder.hidden.weight"].T + w["encoder.hidden.bias"])
    mean = h @ w["encoder.mean.weight"].T + w["encoder.mean.bias"]
    assert vae.encode(x).mean == pytest.approx(mean, abs=1e-5)
    h = np.tanh(mean @ w["decoder.hidden.weight"].T + w["decoder.hidden.bias"])
    y = 1 / (1 + np.exp(-(h @ w["decoder.logits.weight"].T + w["decoder.logits.bias"])))
    assert vae.decode(mean) == pytest.approx(y, abs=1e-5)
    assert vae.reconstruct(x) == pytest.approx(y, abs=1e-5)


def test_log_px_agrees_with_quadrature(vae, x):
    """log p(x) of a two-dimensional model by a grid over z. An importance estimate may miss it by 5 of its standard errors: the
    chance of a false alarm is below 1e-5 for six images."""
    side = np.linspace(-6, 6, 401)
    z = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    y = vae.decode(z).astype(np.float64)
    log_pz = -np.log(2 * np.pi) - 0.5 * (z**2).sum(1)
    log_joint = x @ np.log(y).T + (1 - x) @ np.log1p(-y).T + log_pz + 2 * np.log(side[1] - side[0])
    truth = np.logaddexp.reduce(log_joint, axis=1)
    estimate = vae.log_px(x, samples=5000)
    assert (np.abs(estimate.log_px - truth) < 5 * estimate.monte_carlo_error + 1e-4).all()
    assert (estimate.effective_samples > 500).all()


def test_log_px_of_a_single_sample_has_no_standard_error(vae, x):
    estimate = vae.log_px(x, samples=1)
    assert np.isfinite(estimate.log_px).all()
    assert (estimate.effective_samples == 1).all()
    assert np.isnan(estimate.monte_carlo_error).all()


def test_log_px_is_repeatable_and_shaped_like_the_images(vae, x):
    assert (vae.log_px(x, samples=10, seed=1).log_px == vae.log_px(x, samples=10, seed=1).log_px).all()
    assert (vae.log_px(x, samples=10, seed=1).log_px != vae.log_px(x, samples=10, seed=2).log_px).all()
    assert vae.log_px(x[0], samples=10).log_px.shape == ()
    assert vae.log_px(x.reshape(2, 3, 8, 8), samples=10).log_px.shape == (2, 3)
    assert vae.log_px(x[0], samples=10, seed=1).log_px == pytest.approx(
        vae.log_px(x, samples=10, seed=1).log_px[0], rel=1e-6
    )


def test_images_may_be_vectors_or_pictures(vae, x):
    assert (vae.encode(x.reshape(-1, 8, 8)).mean == vae.encode(x).mean).all()
    assert vae.encode(x[0]).mean.shape == (2,)


def test_samples_are_decoded_draws_of_the_prior(vae):
    images = vae.sample(2000, seed=3)
    assert images.shape == (2000, 64)
    assert (images == vae.sample(2000, seed=3)).all()
    z = np.random.default_rng(0).normal(size=(2000, 2))
    expected = vae.decode(z)
    # Two independent sample means over 2000 draws, 64 pixels: 6 standard errors, chance of a false alarm below 1e-6.
    error = np.sqrt((images.var(0) + expected.var(0)) / 2000)
    assert (np.abs(images.mean(0) - expected.mean(0)) < 6 * error).all()


def test_it_works_from_any_directory(run, tmp_path, monkeypatch, x, vae):
    expected = vae.encode(x).mean
    monkeypatch.chdir(tmp_path)
    trained = aevb.load(os.path.relpath(run))
    assert (trained.encode(x).mean == expected).all()
    assert trained.settings["latent_dim"] == 2


def test_a_gaussian_model_too(tmp_path):
    vae = aevb.load(plant_model(tmp_path, "data=frey_face", "latent_dim=3"))
    x = np.full((2, 28, 20), 0.5)
    assert vae.reconstruct(x).shape == (2, 560)
    assert np.isfinite(vae.log_px(x, samples=20).log_px).all()


@pytest.mark.parametrize(
    "model", [("model=linear_gaussian", "latent_dim=3"), ("model=two_layer", "objective=sgvb_a", "latent_dim=3")]
)
def test_a_variance_of_the_model_or_of_two_layers_is_one_of_each_image(model, tmp_path):
    vae = aevb.load(plant_model(tmp_path, "data=digits", *model))
    x = vae.test().x[:4]
    q, tensors = vae.encode(x), vae.encode(torch.from_numpy(x))
    assert q.mean.shape == q.log_var.shape == (4, vae.latent_dim)
    assert not tensors.log_var.requires_grad
    q.log_var[:] = 5  # the caller's own numbers, not those of the model
    assert (vae.encode(x).log_var == tensors.log_var.numpy()).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda vae: vae.encode(np.zeros((3, 784))),
            r"x: shape \(3, 784\); allowed: \(\.\.\., 64\) or \(\.\.\., 8, 8\)",
        ),
        (lambda vae: vae.encode(np.zeros((3, 28, 28))), r"x: shape \(3, 28, 28\)"),
        (lambda vae: vae.encode(np.full((3, 64), 200, dtype=np.uint8)), r"x: values from 200 to 200; .*grey"),
        (lambda vae: vae.encode(np.full((3, 64), -0.5)), r"x: values from -0.5 to -0.5"),
        (lambda vae: vae.encode(np.full((3, 64), math.nan)), "x: nan or infinite"),
        (lambda vae: vae.encode("image.png"), "x: str is no array of numbers"),
        (lambda vae: vae.decode(np.zeros((3, 5))), r"z: shape \(3, 5\); allowed: \(\.\.\., 2\), the run's latent_dim"),
        (lambda vae: vae.decode(np.full((3, 2), math.inf)), "z: nan or infinite"),
        (lambda vae: vae.log_px(np.zeros((3, 64)), samples=0), "samples=0: out of range"),
        (lambda vae: vae.sample(0), "n=0: out of range"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(vae, call, message):
    with pytest.raises(UserError, match=message) as error:
        call(vae)
    assert "\n" not in str(error.value)


def test_a_folder_that_is_no_finished_run_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"nowhere: not a run"):
        aevb.load(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"not finished"):
        aevb.load(plant(tmp_path, "latent_dim=2", train={100: -543.0}, finish=False))


def test_the_example_of_the_readme_runs(run, tmp_path):
    folder = tmp_path / "outputs" / "runs"
    folder.mkdir(parents=True)
    (folder / "digits-sgvb_b-adagrad-z2-s0").symlink_to(run)
    done = python("-c", EXAMPLE, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2 -")


def test_views_read_only_and_empty_arrays(vae, x):
    backwards = vae.encode(x[::-1]).mean
    assert np.array_equal(backwards, vae.encode(x[::-1].copy()).mean)
    fixed = x.copy()
    fixed.flags.writeable = False
    assert np.array_equal(vae.encode(fixed).mean, vae.encode(x).mean)
    assert np.array_equal(vae.decode(backwards[::-1]), vae.decode(backwards[::-1].copy()))
    assert np.array_equal(vae.log_px(x[::-1], samples=3).log_px, vae.log_px(x[::-1].copy(), samples=3).log_px)
    empty = x[:0]
    assert vae.encode(empty).mean.shape == (0, 2)
    assert vae.decode(np.empty((0, 2), np.float32)).shape == (0, 64)
    assert [part.shape for part in vae.log_px(empty, samples=3)] == [(0,)] * 3


def test_bytes_are_refused_with_the_scale_of_the_run(vae, x, monkeypatch):
    monkeypatch.setattr(vae.inputs, "targets", TargetConvention("grey", 16))
    with pytest.raises(UserError, match=r"the scale that the run was trained on, grey/16; try: x / 16"):
        vae.encode((x * 16).astype(np.uint8))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda vae, x: vae.sample(1e2), "n=100.0: no integer; allowed: an integer >= 1; try: n=100"),
        (lambda vae, x: vae.sample(), "n=None: no integer; allowed: an integer >= 1; try: n=100"),
        (lambda vae, x: vae.log_px(x, samples=2.5), "samples=2.5: no integer; allowed: an integer >= 1; try: samples=1000"),
        (lambda vae, x: vae.sample(2, seed=-1), "seed=-1: out of range; allowed: an integer from 0 to 4294967295; try: seed=0"),
        (lambda vae, x: vae.log_px(x, seed=1.9), "seed=1.9: no integer; allowed: an integer from 0 to 4294967295; try: seed=0"),
        (lambda vae, x: vae.encode(x.astype(complex)), "x: complex numbers; allowed: real numbers; try: x.real"),
        (lambda vae, x: vae.decode(torch.zeros(1, 2, dtype=torch.cfloat)), "z: complex numbers; allowed: real numbers; try: z.real"),
    ],
)  # fmt: skip
def test_numbers_of_another_kind_are_refused(vae, x, call, message):
    with pytest.raises(UserError) as error:
        call(vae, x)
    assert str(error.value) == message


def test_integers_and_arrays_of_numpy_are_taken(vae, x):
    assert (vae.sample(np.int64(3), seed=np.uint8(7)) == vae.sample(3, seed=7)).all()
    big = vae.encode(x.astype(x.dtype.newbyteorder(">")))
    assert (big.mean == vae.encode(x).mean).all()


def test_log_px_of_grey_levels_warns_where_the_targets_are_binary(tmp_path):
    model = aevb.load(plant_model(tmp_path, "data=digits", "data.targets=dynamic", "latent_dim=2"))
    with pytest.warns(UserWarning, match="log p.x. is no log-mass") as caught:
        model.log_px(model.load_data().test.x[:2], samples=2)
    assert caught[0].filename == __file__
    assert model.log_px(model.test().x[:2], samples=2).log_px.shape == (2,)


def test_no_images_have_estimates_of_the_same_type(vae, x):
    assert [part.dtype for part in vae.log_px(x[:0])] == [part.dtype for part in vae.log_px(x[:1], samples=2)]


@pytest.mark.parametrize("run", [None, 3, ["a"], b"a"])
def test_what_is_no_path_is_refused(run):
    for name, call in (("run", aevb.load), ("folder", aevb.runs)):
        with pytest.raises(UserError, match=f"^{name}=.*: no path; allowed: [^\\n]*; try: [^\\n]*$"):
            call(run)


def test_a_decoder_without_a_mode_is_refused_in_one_line(run, monkeypatch):
    class Own:
        """p(x|z) of a user's own module, with what training and evaluation need alone."""

        mean = torch.zeros(2, 64)

    vae = aevb.load(run)
    monkeypatch.setattr(vae.model, "generate", lambda count, noise: Own())
    assert vae.sample(2).shape == (2, 64)
    with pytest.raises(
        UserError, match=r"^pixels=mode: Own, p\(x\|z\) of .*, has no mode; allowed: means, draws; try: "
    ):
        vae.sample(2, pixels="mode")
