"""Calibration of q where it is exact, and where it is too narrow, too wide or biased by a known amount.

In the linear-Gaussian model with the exact posterior N(m, v), a q with the variance c v has the coverage
2 Phi(sqrt(c) Phi^-1((1 + a) / 2)) - 1 at level a, in every dimension and for every x.
"""

import math

import pytest
import torch
from scipy import stats

from aevb.estimators.calibration import calibration
from aevb.evaluators.blocks import run_over
from aevb.evaluators.calibration import Calibration, _uniform_p
from aevb.noise import Noise
from helpers.oracles import data, linear_gaussian
from helpers.statistics import assert_mean

N = 4000


def model_with(scale: float = 1.0, shift: float = 0.0):
    """The exact posterior, its variance multiplied by `scale` and its mean moved by `shift` standard deviations."""
    model = linear_gaussian(3, exact_posterior=True)
    with torch.no_grad():
        model.encoder.mean.bias += shift * (model.encoder.log_var / 2).exp()
        model.encoder.log_var += math.log(scale)
    return model


def test_an_exact_posterior_has_uniform_ranks_and_tarp():
    """Kolmogorov's test of three samples of 4,000 at 1e-6 each: fails by chance with probability 3e-6; the seed is fixed."""
    ranks, tarp = calibration(model_with(), N, Noise(0, "calibration", 0), samples=50)
    for values in (*ranks.T, tarp):
        assert stats.kstest(values.numpy(), "uniform").pvalue > 1e-6


@pytest.mark.parametrize("scale", [0.25, 0.8, 4.0])
def test_coverage_of_a_q_of_the_wrong_width(scale):
    """One z-test per level with the failure rate of `assert_mean`; 999 draws make the interval's edges exact to 0.1 %."""
    ranks, tarp = calibration(model_with(scale), N, Noise(0, "calibration", 0), samples=999)
    for level in (0.5, 0.9):
        expected = 2 * stats.norm.cdf(math.sqrt(scale) * stats.norm.ppf((1 + level) / 2)) - 1
        covered = ((ranks[:, 0] - 0.5).abs() <= level / 2).double()
        assert_mean(covered, expected)
    assert stats.kstest(tarp.numpy(), "uniform").pvalue < (1e-2 if scale == 0.8 else 1e-12)


def test_the_mean_rank_of_a_biased_q():
    """P(z_q < z*) for z_q - z* ~ N(0.5 s, 2 s^2) is Phi(-0.5 / sqrt 2)."""
    ranks, _ = calibration(model_with(shift=0.5), N, Noise(0, "calibration", 0), samples=200)
    assert_mean(ranks[:, 0], stats.norm.cdf(-0.5 / math.sqrt(2)))


@pytest.mark.parametrize(
    ("scale", "shift", "begins"),
    [
        (1, 0, "calibrated"),
        (0.5, 0, "q is too narrow"),
        (2, 0, "q is too wide"),
        (1, 1, "q is off centre, too narrow, or both"),
        (2, 5, "q is off centre, too narrow, or both"),
        (1.26, 0.5, "miscalibrated"),
    ],
)
def test_the_verdict_names_the_fault(scale, shift, begins):
    evaluation = run_over(Calibration(samples=100), model_with(scale, shift), data(2000), seed=1)
    assert evaluation.summary["verdict"].startswith(begins)
    assert [sum(counts) for counts in evaluation.summary["rank_histograms"]] == [2000, 2000]
    assert evaluation.summary["tarp_coverage"][-1] == 1


def test_the_verdict_of_one_simulation_has_no_error():
    verdict = run_over(Calibration(samples=100), model_with(), data(1), seed=1).summary["verdict"]
    assert verdict.startswith("calibrated, as far as can be told from 1 simulation: 90 % intervals of q(z|x) hold ")
    assert "±" not in verdict


@pytest.mark.parametrize("power", [0.8, 1.25], ids=["too large", "too small"])
def test_the_test_of_uniformity_is_two_sided(power):
    values = (((torch.arange(200, dtype=torch.float64) + 0.5) / 200) ** power).numpy()
    expected = stats.kstest(values, "uniform", alternative="two-sided", method="asymp").pvalue
    assert expected < 0.2
    assert _uniform_p(values) == pytest.approx(expected, rel=1e-9)


def test_the_p_value_is_corrected_for_the_number_of_tests():
    """Two ranks and TARP are three tests: three times the smallest of their p-values, here that of the second rank."""
    even = (torch.arange(50, dtype=torch.float64) + 0.5) / 50
    moved = (even + 0.15).clamp(max=1)
    values = {"coverage_90": torch.ones(50), "rank_1": even, "rank_2": moved, "tarp": even}
    p_value = Calibration().summary(model_with(), data(50), values)["p_value"]
    assert p_value == pytest.approx(3 * stats.kstest(moved.numpy(), "uniform", method="asymp").pvalue)
    assert p_value < 0.9  # not cut off at 1


def test_ties_are_broken_at_random():
    """A q that is a point at the truth: every position is equally likely, so the ranks are uniform (failure rate 1e-6)."""
    from aevb.estimators.calibration import _position

    u = torch.rand(5000, generator=torch.Generator().manual_seed(0))
    values = _position(torch.zeros(5000), torch.full((5000,), 10), 10, u)
    assert stats.kstest(values.numpy(), "uniform").pvalue > 1e-6
