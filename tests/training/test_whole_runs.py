"""Whole runs through the command line, on embedded data: files, resumption, extension, and a bound whose truth is known."""

import csv
import hashlib
import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from aevb.data.synthetic import LinearGaussian, linear_gaussian_log_px
from helpers.commands import aevb

DIGITS = ["data=digits", "latent_dim=2", "hidden_dim=30", "logger=none", "evaluation.start=1", "name=digits"]


def train(folder: Path, *arguments: str) -> Path:
    result = aevb("train", *arguments, folder=folder)
    assert result.returncode == 0, result.stderr
    (name,) = [argument.removeprefix("name=") for argument in arguments if argument.startswith("name=")]
    return folder / "outputs" / "runs" / name


def rows(run: Path, file: str = "metrics.csv") -> list[dict[str, float]]:
    with (run / file).open() as text:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(text)]


def weights(run: Path) -> str:
    state = torch.load(run / "model.pt", weights_only=True)
    return hashlib.sha256(b"".join(value.numpy().tobytes() for value in state.values())).hexdigest()


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """An uninterrupted run to 1e5 samples."""
    return train(tmp_path_factory.mktemp("whole"), *DIGITS, "max_samples=1e5")


def test_a_finished_run_holds_the_contracted_files(whole):
    assert [row["samples_seen"] for row in rows(whole)] == [
        d * 10**k for k in range(2, 6) for d in (1, 2, 3, 5) if d * 10**k <= 100_000
    ]
    assert list(rows(whole)[0]) == [
        "samples_seen", "train_bound", "test_bound", "test_reconstruction", "test_kl", "test_log_px",
    ]  # fmt: skip
    for row in rows(whole):
        assert row["test_bound"] == pytest.approx(row["test_reconstruction"] - row["test_kl"], abs=1e-5)
        assert row["test_bound"] - 0.01 < row["test_log_px"] < 0  # both carry noise while they are one number
    assert rows(whole)[-1]["test_bound"] > rows(whole)[0]["test_bound"] + 5
    assert {"encoder.hidden.weight", "encoder.log_var.bias", "decoder.logits.weight"} < set(
        torch.load(whole / "model.pt", weights_only=True)
    )
    for name, k in (("bound", ""), ("importance", "-k50")):
        result = json.loads((whole / "evaluation" / f"{name}-test{k}.json").read_text())
        assert {"name", "split", "n", "mean", "standard_error", "settings", "seconds", "checkpoint"} <= set(result)
        assert (result["name"], result["split"], result["n"]) == (name, "test", 360)
    bound = json.loads((whole / "evaluation" / "bound-test.json").read_text())
    assert bound["mean"] == pytest.approx(rows(whole)[-1]["test_bound"], abs=1e-9)
    done = json.loads((whole / "DONE").read_text())
    assert done["samples_seen"] == 100_000
    timing = rows(whole, "timing.csv")
    assert [row["samples_seen"] for row in timing] == [row["samples_seen"] for row in rows(whole)]
    assert all(one["training_seconds"] < two["training_seconds"] for one, two in itertools.pairwise(timing))


def test_every_checkpoint_holds_plain_containers(whole):
    for name in ("last.ckpt", "last.previous.ckpt"):
        state = torch.load(whole / "checkpoints" / name, weights_only=True)
        assert state["training"]["samples_seen"] in (50_000, 100_000)


def test_a_run_asked_for_more_is_extended_to_the_same_bits(whole, tmp_path):
    train(tmp_path, *DIGITS, "max_samples=15000")  # not an evaluation point: its last row must not remain
    longer = train(tmp_path, *DIGITS, "max_samples=1e5")
    assert weights(longer) == weights(whole)
    assert (longer / "metrics.csv").read_bytes() == (whole / "metrics.csv").read_bytes()


def test_the_block_length_changes_nothing(whole, tmp_path):
    other = train(tmp_path, *DIGITS, "max_samples=1e5", "trainer.block=7")
    assert weights(other) == weights(whole)


@pytest.mark.fault(
    "the loss is not finite",
    "one line with the step; the file FAILED is written",
)
def test_divergence_is_reported(tmp_path):
    result = aevb("train", *DIGITS, "max_samples=1e5", "optimizer=adam", "optimizer.lr=1e6", folder=tmp_path)
    output = result.stdout + result.stderr
    assert result.returncode == 2
    assert "diverged" in output
    assert "samples_seen=" in output
    assert "Traceback" not in output
    assert (tmp_path / "outputs" / "runs" / "digits" / "FAILED").exists()


def test_a_trained_linear_model_reaches_the_closed_form(tmp_path):
    """Probabilistic PCA by SGVB: the trained bound is tight, and the model's log p(x) is the maximum-likelihood one.

    Truths: log N(x; b, WW' + s^2 I) of the trained weights against the importance-sampled log p(x) (5 Monte Carlo standard
    errors: fails by chance once in a million seeds), and Tipping & Bishop's maximum of the training likelihood from the
    eigenvalues of the sample covariance, which no pPCA model exceeds and a converged one nears.
    """
    run = train(tmp_path, "experiment=linear_gaussian", "logger=none", "name=linear")
    data = LinearGaussian()
    train_x, test_x = data.load().train.x.astype(np.float64), data.load().test.x
    state = {key: value.numpy() for key, value in torch.load(run / "model.pt", weights_only=True).items()}
    weight, bias = state["decoder.mean.weight"], state["decoder.mean.bias"]
    noise = np.exp(0.5 * state["decoder.log_var"])

    exact = linear_gaussian_log_px(test_x, weight, bias, noise).mean()
    importance = json.loads((run / "evaluation" / "importance-test-k50.json").read_text())
    bound = json.loads((run / "evaluation" / "bound-test.json").read_text())
    spread = importance["values"]["monte_carlo_error"]["mean"] / math.sqrt(importance["n"])
    assert abs(importance["mean"] - exact) < 5 * spread + 1e-3
    assert bound["mean"] == pytest.approx(exact, abs=0.1)

    d, j = train_x.shape[1], 2
    eigenvalues = np.sort(np.linalg.eigvalsh(np.cov(train_x.T, bias=True)))[::-1]
    s2 = eigenvalues[j:].mean()
    best = -0.5 * (d * np.log(2 * np.pi) + np.log(eigenvalues[:j]).sum() + (d - j) * np.log(s2) + d)
    reached = linear_gaussian_log_px(train_x, weight, bias, noise).mean()
    assert best - 0.1 < reached <= best
