"""Evaluations: exact counts, honest errors, the same digits however the split is cut."""

import json
import math

import pytest
import torch

from aevb.evaluators.blocks import run_over
from aevb.evaluators.bound import Bound
from aevb.evaluators.importance import Importance
from aevb.evaluators.information import Information
from aevb.evaluators.record import record
from helpers.oracles import data, exact_bound, linear_gaussian


@pytest.mark.parametrize("images", [1, 3, 7, 100])
def test_blocks_change_nothing_and_every_image_counts_once(images):
    model, x = linear_gaussian(), data(7)
    whole, cut = (
        run_over(Bound(batch_size=1000), model, x, seed=3),
        run_over(Bound(batch_size=images), model, x, seed=3),
    )
    assert cut.n == 7
    torch.testing.assert_close(cut.values["bound"], whole.values["bound"], rtol=0, atol=1e-12)


def test_the_first_images_have_the_values_they_have_in_the_whole_split():
    model, x = linear_gaussian(), data(7)
    whole, some = (run_over(Importance(samples=20, batch_size=30), model, rows, seed=0) for rows in (x, x[:3]))
    torch.testing.assert_close(some.values["log_px"], whole.values["log_px"][:3], rtol=0, atol=1e-12)


class Counted(Bound):
    """Counts the images that it evaluates."""

    count = 0

    def values(self, model, x, noise):
        self.count += len(x)
        return super().values(model, x, noise)


@pytest.mark.parametrize(("known", "evaluated"), [(2, 7), (4, 4), (5, 4), (7, 0)])
def test_known_images_are_not_evaluated_again(known, evaluated):
    model, x = linear_gaussian(), data(7)
    evaluator = Counted(batch_size=3)
    whole, first = (run_over(Bound(batch_size=3), model, rows, seed=3) for rows in (x, x[:known]))
    evaluation = run_over(evaluator, model, x, 3, known=first)
    assert evaluator.count == evaluated
    assert all(torch.equal(evaluation.values[name], value) for name, value in whole.values.items())
    few = run_over(evaluator, model, x[:2], 3, known=first)
    assert few.n == 2
    assert torch.equal(few.values["bound"], whole.values["bound"][:2])


@pytest.mark.parametrize("count", [3, 7, 20])
def test_values_that_depend_on_all_images_are_not_taken_from_others(count):
    """Mutual information is at most the logarithm of the number of images, also where more or fewer are known."""
    model, x = linear_gaussian(), data(20)
    known = run_over(Information(), model, x[:7], seed=3)
    fresh, reused = (run_over(Information(), model, x[:count], seed=3, known=before) for before in (None, known))
    assert all(torch.equal(reused.values[name], value) for name, value in fresh.values.items())
    assert reused.mean() <= math.log(count)


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
