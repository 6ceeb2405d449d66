"""Known models: their exact log p(x) against scipy and enumeration, and their draws against it.

Stochastic tests have fixed seeds; with other seeds each would fail at a rate below 1e-4.
"""

import numpy as np
import pytest
from scipy import stats

from aevb.data.synthetic import LinearGaussian, SigmoidBelief, linear_gaussian_log_px
from aevb.errors import UserError


def test_linear_gaussian_log_px_is_scipys() -> None:
    data = LinearGaussian(rows=2, columns=3, factors=4, noise=0.3, scale=0.7, seed=3)
    x = data.load().test.x
    covariance = data.weight @ data.weight.T + 0.3**2 * np.eye(6)
    expected = stats.multivariate_normal(data.bias, covariance).logpdf(x)
    assert data.log_px(x) == pytest.approx(expected, rel=1e-10)
    assert data.log_px(x).dtype == np.float64


def test_the_formula_takes_a_noise_for_each_pixel() -> None:
    generator = np.random.RandomState(0)
    x, weight, bias, noise = (generator.standard_normal(size) for size in ((7, 5), (5, 2), 5, 5))
    covariance = weight @ weight.T + np.diag(noise**2)
    expected = stats.multivariate_normal(bias, covariance).logpdf(x)
    assert linear_gaussian_log_px(x, weight, bias, np.abs(noise)) == pytest.approx(expected, rel=1e-9)


def test_linear_gaussian_draws_have_the_models_mean_and_covariance() -> None:
    data = LinearGaussian(rows=1, columns=3, factors=2, noise=0.5, scale=1.0, n_train=40_000, n_test=10)
    x = data.load().train.x.astype(np.float64)
    covariance = data.weight @ data.weight.T + 0.25 * np.eye(3)
    mean_error = np.sqrt(np.diag(covariance) / len(x))
    assert (np.abs(x.mean(0) - data.bias) < 4.5 * mean_error).all()
    # Var of a sample covariance of Gaussians: (C_ii C_jj + C_ij^2) / N
    spread = np.sqrt((np.outer(np.diag(covariance), np.diag(covariance)) + covariance**2) / len(x))
    assert (np.abs(np.cov(x.T) - covariance) < 4.5 * spread).all()


def test_the_default_lies_where_a_sigmoid_can_reach() -> None:
    data = LinearGaussian()
    x = data.load().train.x
    assert (data.shape, data.dim, x.shape) == ((4, 4), 16, (5000, 16))
    assert ((x > 0) & (x < 1)).mean() > 0.98
    assert not data.unit_interval


def test_sigmoid_belief_sums_to_one_over_all_images() -> None:
    data = SigmoidBelief(rows=2, columns=4, factors=3, seed=1)
    images = (np.arange(256)[:, None] >> np.arange(8)) & 1
    assert np.exp(data.log_px(images)).sum() == pytest.approx(1, rel=1e-12)


def test_sigmoid_belief_log_px_is_the_sum_over_codes_written_out() -> None:
    data = SigmoidBelief(rows=1, columns=3, factors=2, seed=2)
    x = np.array([1, 0, 1])
    total = 0.0
    for first in (-1, 1):
        for second in (-1, 1):
            p = 1 / (1 + np.exp(-(data.weight @ [first, second] + data.bias)))
            total += 0.25 * np.prod(np.where(x == 1, p, 1 - p))
    assert data.log_px(x[None])[0] == pytest.approx(np.log(total), rel=1e-12)


def test_sigmoid_belief_draws_follow_its_log_px() -> None:
    data = SigmoidBelief(rows=1, columns=4, factors=2, scale=1.0, n_train=20_000, n_test=10)
    x, label = data.load().train
    images = (np.arange(16)[:, None] >> np.arange(4)) & 1
    expected = len(x) * np.exp(data.log_px(images))
    assert expected.min() > 5
    observed = np.bincount((x @ (1 << np.arange(4))).astype(int), minlength=16)
    assert stats.chisquare(observed, expected * (observed.sum() / expected.sum())).pvalue > 1e-4
    # the label is the code: pixels given the label have the code's probabilities
    for code, z in enumerate(([-1, -1], [1, -1], [-1, 1], [1, 1])):
        rows = x[label == code]
        p = 1 / (1 + np.exp(-(data.weight @ z + data.bias)))
        assert (np.abs(rows.mean(0) - p) < 4.5 * np.sqrt(p * (1 - p) / len(rows))).all()


@pytest.mark.parametrize("kind", [LinearGaussian, SigmoidBelief])
def test_a_seed_is_a_data_set_and_sizes_do_not_change_it(kind: type[LinearGaussian | SigmoidBelief]) -> None:
    short, long, other = kind(n_train=100, n_test=50), kind(n_train=300, n_test=80), kind(seed=1)
    assert np.array_equal(short.weight, long.weight)
    assert np.array_equal(short.load().train.x, long.load().train.x[:100])
    assert np.array_equal(short.load().test.x, long.load().test.x[:50])
    assert not np.array_equal(short.load().train.x[:50], short.load().test.x)
    assert not np.array_equal(short.weight, other.weight)
    assert kind(n_train=100, n_test=50).hashes() == short.hashes()
    assert [part.x.dtype for part in short.load()] == [np.float32] * 3
    assert [len(part.x) for part in short.load()] == [100, 0, 50]


def test_too_many_causes_are_refused() -> None:
    with pytest.raises(UserError, match=r"data\.factors=11: out of range; allowed: 1 to 10"):
        SigmoidBelief(factors=11)
