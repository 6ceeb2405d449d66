"""The share of images whose Pareto k is too large, on models where q is exact and where it is too narrow."""

import torch

from aevb.estimators.pareto_threshold import pareto_k_threshold
from aevb.evaluators.blocks import run_over
from aevb.evaluators.enumeration import Enumeration
from aevb.evaluators.importance import Importance
from helpers.binary_oracles import binary, images
from helpers.oracles import data, linear_gaussian


def test_an_exact_posterior_is_above_no_threshold():
    """All weights of an image are equal but for rounding, whose tail is bounded: k < 0 for nearly every image."""
    model = linear_gaussian(3, exact_posterior=True)
    summary = run_over(Importance(200), model, data(40), seed=0).summary
    assert summary == {"pareto_k_threshold": pareto_k_threshold(200), "share_above_threshold": 0.0}


def test_a_narrow_q_is_counted_and_reported():
    """q with a quarter of the posterior's variance: the weights have k = 1 - 1/4 in theory; the threshold is 0.57."""
    model = linear_gaussian(3, exact_posterior=True)
    x = data(40)
    with torch.no_grad():
        model.encoder.log_var -= torch.log(torch.tensor(4.0))
    evaluation = run_over(Importance(200), model, x, seed=0)
    share = (evaluation.values["pareto_k"] > pareto_k_threshold(200)).double().mean().item()
    assert evaluation.summary["share_above_threshold"] == share > 0
    assert f"{100 * share:.3g} % of the images" in evaluation.summary["verdict"]


def test_an_image_without_a_finite_weight_has_no_diagnostics_and_counts_as_unreliable():
    """The last image stands alone in its block."""
    model, x = linear_gaussian(3), data(9)
    x[8] = torch.inf
    evaluator = Importance(100)
    evaluator.images = 8
    evaluation = run_over(evaluator, model, x, seed=0)
    for name in ("pareto_k", "rise", "monte_carlo_error", "effective_samples"):
        assert evaluation.values[name].isnan().tolist() == [False] * 8 + [True], name
    assert evaluation.summary["share_above_threshold"] >= 1 / 9


def test_too_few_samples_for_k_have_no_summary():
    model = linear_gaussian(3, exact_posterior=True)
    assert run_over(Importance(5), model, data(4), seed=0).summary == {}
    assert set(run_over(Importance(1), model, data(4), seed=0).values) == {"log_px", "effective_samples"}


def test_what_is_tried_next_supports_the_model():
    """Annealed importance sampling needs a continuous z. A q far from the posterior of four binary variables."""
    model, x = binary(4, scale=3.0), images(40)
    summary = run_over(Importance(200), model, x, seed=0).summary
    assert summary["share_above_threshold"] > 0
    assert summary["verdict"].endswith("try: evaluator.importance.samples=2000 or evaluator=enumeration")


def test_few_codes_have_no_heavy_tail():
    """Most weights of a code are equal. log p(x) is right to 6 errors for every image (false alarm: 1e-7), and k above its
    threshold for a tenth of the images with this seed; it was for half of them."""
    model, x = binary(4), images(40)
    estimate, truth = (run_over(evaluator, model, x, seed=0) for evaluator in (Importance(2000), Enumeration()))
    error = (estimate.values["log_px"] - truth.values["log_px"]).abs()
    assert (error < 6 * estimate.values["monte_carlo_error"]).all()
    assert estimate.summary["share_above_threshold"] < 0.2
