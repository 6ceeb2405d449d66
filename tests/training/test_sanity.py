"""The comparison of a trained model with a decoder without latents."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from aevb.data.dataset import Split, Splits
from aevb.training.sanity import constant_decoder, warning


def splits(x: np.ndarray) -> Splits:
    label = np.zeros(len(x), np.int64)
    part = Split(x.astype(np.float32), label)
    return Splits(part, part.first(0), part.first(40))


X = np.random.RandomState(0).rand(5000, 6)
GAUSSIAN = SimpleNamespace(learned_variance=True)


def test_the_gaussian_without_latents_against_scipy() -> None:
    x = 1e4 * X + 1e6
    data = splits(x)
    x = data.train.x.astype(np.float64)
    expected = stats.norm(x.mean(0), x.std(0)).logpdf(data.test.x).sum(1).mean()
    assert constant_decoder(data, bernoulli=False) == pytest.approx(expected, rel=1e-9)


def test_the_bernoulli_without_latents_against_scipy() -> None:
    data = splits(X < 0.3)
    p = data.train.x.mean(0, dtype=np.float64)
    expected = stats.bernoulli(p).logpmf(data.test.x.astype(int)).sum(1).mean()
    assert constant_decoder(data, bernoulli=True) == pytest.approx(expected, rel=1e-9)


def test_a_constant_pixel_is_no_infinite_reference() -> None:
    x = X.copy()
    x[:, 2] = 0.5
    assert np.isfinite(constant_decoder(splits(x), bernoulli=False))


@pytest.mark.parametrize(
    ("bound", "scale", "decoder", "mean", "words"),
    [
        (-0.1, 1, GAUSSIAN, "linear", None),
        (-50.0, 1, GAUSSIAN, "linear", None),
        (None, 1, GAUSSIAN, "linear", None),
        (-8e6, 255, GAUSSIAN, "sigmoid", r"data from .* to 25\d.* and means in \(0, 1\) .* try: model=gaussian_linear"),
        (-8e6, 1, GAUSSIAN, "linear", "diverged to finite numbers; try: a smaller optimizer.lr"),
        (float("nan"), 1, GAUSSIAN, "linear", "diverged to finite numbers"),
        (-8e6, 255, SimpleNamespace(log_var=0.0), "linear", "and a fixed variance; try: model=gaussian_linear"),
    ],
)
def test_the_warning_names_the_likely_cause(
    bound: float | None, scale: float, decoder: object, mean: str, words: str | None
) -> None:
    settings = {"model": {"decoder": {"mean": mean}}}
    line = warning(bound, splits(scale * X), settings, decoder)
    assert (line is None) == (words is None)
    if words is not None and line is not None:
        assert re.search(words, line)
        assert "\n" not in line
