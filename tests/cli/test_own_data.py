"""A user's own data from the command line: described, refused before torch is loaded, trained, and judged at the end."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers.commands import aevb

pytestmark = pytest.mark.process

SMALL = ("latent_dim=2", "hidden_dim=10", "evaluator=bound", "logger=none", "name=run", "optimizer=adam")
X = np.random.RandomState(0).standard_normal((300, 6)).astype(np.float32)


def test_data_beyond_the_decoder_are_refused_by_check_too(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    for words in (("--check",), ("--check", "-m", "seed=0,1"), ()):
        result = aevb("train", "data=array", "data.path=x.npy", "model=bernoulli", *words, folder=tmp_path)
        assert result.returncode == 2
        assert "data.path=x.npy: values from -" in result.stderr
        assert "BernoulliDecoder needs targets in [0, 1]" in result.stderr
        assert "try: model=gaussian_linear" in result.stderr
        assert not (tmp_path / "outputs").exists()


def test_torch_is_not_loaded_for_a_refusal_or_a_check(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    for words, code in (("model=bernoulli", 2), ("--check", None)):
        program = (
            f"import sys; sys.argv = ['aevb-train', 'data=array', 'data.path=x.npy', {words!r}]\n"
            "from aevb.cli.train import train\n"
            "code = None\n"
            "try: train()\n"
            "except SystemExit as end: code = end.code\n"
            f"assert code == {code}\n"
            "assert 'torch' not in sys.modules"
        )
        subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)


def test_standardised_data_are_described_and_fitted(tmp_path: Path) -> None:
    z = np.random.RandomState(1).standard_normal((300, 1))
    np.savez(tmp_path / "x.npz", x=1000 * (z + 0.1 * X) + 5e5, y=np.arange(300) % 3)
    result = aevb(
        "train",
        "data=array",
        "data.path=x.npz",
        *SMALL,
        "optimizer.lr=0.01",
        "max_samples=3e4",
        folder=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    assert "run: data: x.npz, an .npz file: 270 train, 30 test of 6 columns, float64, as given, from" in result.stdout
    assert "labels 0..2 in 3 classes" in result.stdout
    assert "run: model: gaussian_linear, for values from" in result.stdout
    done = json.loads((tmp_path / "outputs" / "runs" / "run" / "DONE").read_text())
    assert "warning" not in done
    assert done["targets"] == "float64, as given, std >= 0.01 of that of the pixel"
    # six pixels of one factor: without latents about -6 (log 1000 + 1.42) = -50 nats
    assert done["test"]["bound"]["mean"] > -46


def test_nonsense_is_not_plainly_done(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", 1e4 * X)
    run = ("data=array", "data.path=x.npy", "model=gaussian", *SMALL, "max_samples=1000")
    result = aevb("train", *run, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "lie in (0, 1) (model.decoder.mean=sigmoid)" in result.stderr
    assert "a decoder without latents has -6" in result.stderr
    status = aevb("status", "outputs/runs", folder=tmp_path)
    assert "try: model=gaussian_linear" in status.stdout


def test_constant_pixels_are_named(tmp_path: Path) -> None:
    remedies = {(): True, ("model.decoder.min_std=0.01",): False, ("data.dequantise=uniform",): False}
    for index, (words, warned) in enumerate(remedies.items()):
        run = ("data=digits", "model=gaussian", *SMALL, "max_samples=200", f"output_dir={index}", *words)
        result = aevb("train", *run, folder=tmp_path)
        assert result.returncode == 0, result.stderr
        assert ("3 of 64 pixels are constant in the training set (columns 0, 32, 39)" in result.stderr) is warned


def test_one_test_image_gives_null_and_no_nan(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", train=X > 0, test=X[:1] > 0)
    result = aevb("train", "data=array", "data.path=x.npz", *SMALL, "max_samples=1000", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    run = tmp_path / "outputs" / "runs" / "run"
    for path in (run / "DONE", run / "evaluation" / "bound-test.json"):
        assert "NaN" not in path.read_text()
        assert '"standard_error": null' in path.read_text()
    result = aevb("evaluate", "run=outputs/runs/run", "evaluator=importance", folder=tmp_path)
    assert result.returncode == 0, result.stderr


def test_a_diverged_run_of_a_sweep_is_a_result(tmp_path: Path) -> None:
    sweep = ("-m", "data=digits", "optimizer=sgd", "optimizer.lr=0.01,1000", *SMALL[:4], "max_samples=1000")
    late = aevb("train", *sweep, "output_dir=late", folder=tmp_path)
    assert "diverged, which is a result; it has no curve" in late.stdout
    result = aevb("train", *sweep, "evaluation.start=1", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "diverged, which is a result; its curve is kept" in result.stdout
    assert "1 done, 1 diverged" in result.stdout
    failed = list(tmp_path.glob("outputs/runs/*/FAILED"))
    assert len(failed) == 1
    assert (failed[0].parent / "metrics.csv").exists()
    assert "1 done, 1 diverged" in aevb("status", "outputs/runs", folder=tmp_path).stdout


def test_arguments_of_a_constructor_need_no_plus(tmp_path: Path) -> None:
    for key, code in (("model.decoder.mean=linear", 0), ("model.decoder.meen=linear", 2), ("model.decoder.mean=3", 2)):
        for mode in ((), ("-m", "seed=0,1")):
            result = aevb("train", "--check", "data=digits", "model=gaussian", key, *mode, folder=tmp_path)
            assert result.returncode == code, result.stderr
    plus = aevb("train", "--check", "data=digits", "model=gaussian", "+model.decoder.mean=linear", folder=tmp_path)
    plain = aevb("train", "--check", "data=digits", "model=gaussian", "model.decoder.mean=linear", folder=tmp_path)
    assert plus.stdout == plain.stdout


@pytest.mark.parametrize("words", [("--check",), ("--check", "-m", "seed=0,1")])
def test_check_refuses_arguments_of_a_published_data_set(tmp_path: Path, words: tuple[str, ...]) -> None:
    result = aevb("train", "data=mnist", "data.n_train=60000", *words, folder=tmp_path)
    assert result.returncode == 2
    assert (
        "data.n_train=60000: out of range; allowed: 1 to 50000 (the paper's training set); try: data.n_train=50000"
        in result.stderr
    )
    assert result.stdout == ""
