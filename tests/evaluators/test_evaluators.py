"""Evaluations: exact counts, honest errors, the same digits however the split is cut."""

import json
import math
import subprocess
import sys

import pytest
import torch

from aevb.evaluators.bound import Bound
from aevb.evaluators.evaluator import run_over
from aevb.evaluators.importance import Importance
from aevb.evaluators.record import record
from oracles import data, exact_bound, linear_gaussian


@pytest.mark.parametrize("images", [1, 3, 7, 100])
def test_blocks_change_nothing_and_every_image_counts_once(images):
    model, x = linear_gaussian(), data(7)
    whole, cut = run_over(Bound(images=1000), model, x, seed=3), run_over(Bound(images=images), model, x, seed=3)
    assert cut.n == 7
    torch.testing.assert_close(cut.values["bound"], whole.values["bound"], rtol=0, atol=1e-12)


def test_the_first_images_have_the_values_they_have_in_the_whole_split():
    model, x = linear_gaussian(), data(7)
    whole, some = (run_over(Importance(samples=20, rows=30), model, rows, seed=0) for rows in (x, x[:3]))
    torch.testing.assert_close(some.values["log_px"], whole.values["log_px"][:3], rtol=0, atol=1e-12)


def test_the_mean_lies_within_its_standard_error_of_the_truth():
    """20,000 draws against the exact bound: |z| < 4.9, which one seed in a million fails."""
    model = linear_gaussian()
    x = data(1).repeat(20_000, 1)
    evaluation = run_over(Bound(), model, x, seed=0)
    assert abs(evaluation.mean() - exact_bound(model, x[:1]).item()) < 4.9 * evaluation.standard_error()
    assert evaluation.standard_error() == pytest.approx(evaluation.values["bound"].std().item() / math.sqrt(20_000))


def test_the_file_says_what_was_measured(tmp_path):
    model, x = linear_gaussian(exact_posterior=True), data(7)
    evaluator = Importance(samples=20)
    evaluation = run_over(evaluator, model, x, seed=0)
    path = record(tmp_path, evaluator, evaluation, "test", 7, seconds=1.5, checkpoint="model.pt")
    assert path == tmp_path / "evaluation" / "importance-test-k20-first7.json"
    result = json.loads(path.read_text())
    truth = model.decoder.marginal().log_prob(x).mean().item()
    assert result["mean"] == pytest.approx(truth)
    assert (result["name"], result["split"], result["n"], result["seconds"]) == ("importance", "test", 7, 1.5)
    assert (result["settings"], result["checkpoint"], result["quantity"]) == ({"samples": 20}, "model.pt", "log_px")
    assert result["values"]["effective_samples"]["mean"] == pytest.approx(20)


def test_memory_does_not_grow_with_the_number_of_images():
    """A network of the paper's size. 10,000 images at K = 5,000 may take 1 GiB above the model; here the growth per image."""
    program = """
import torch
from aevb.evaluators.evaluator import run_over
from aevb.evaluators.importance import Importance
from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.gaussian import GaussianEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE

torch.set_num_threads(1)
model = VAE(GaussianEncoder(784, 20, 500), BernoulliDecoder(784, 20, 500), StandardNormal(20))
torch.empty(30_000_000).fill_(1)  # as loading a data set does: from here on glibc keeps megabytes on its heap
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
x = torch.rand(400, 784)
run_over(Importance(2000, 1000), model, x[:20], 0)
before = resident()
run_over(Importance(2000, 1000), model, x, 0)
print((resident() - before) / len(x))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True)
    assert float(done.stdout) < 50_000  # bytes an image: 0.5 GB for 10,000
