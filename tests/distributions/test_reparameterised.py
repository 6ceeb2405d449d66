"""Every reparameterisable family is compared to scipy.stats: draws, density and gradients.

All in float64 with fixed seeds. The parameters are chosen such that four moments exist, so that a
z-test of the second moment is valid.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.integrate import quad

from aevb.distributions.families import FAMILIES, Parameters
from aevb.distributions.gamma_quantile import gamma_quantile
from aevb.distributions.reparameterised import ReparameterisedDistribution
from aevb.models.families import FamilyEncoder
from aevb.noise import Noise
from helpers.statistics import FAILURE_RATE, assert_mean

Frozen = Callable[..., Any]


# Family, its parameters, scipy's distribution of them.
CASES: dict[str, tuple[dict[str, float], Frozen]] = {
    "laplace": ({"loc": 0.4, "scale": 0.7}, lambda loc, scale: stats.laplace(loc, scale)),
    "logistic": ({"loc": -0.3, "scale": 0.6}, lambda loc, scale: stats.logistic(loc, scale)),
    "student_t": ({"loc": 0.2, "scale": 0.8, "df": 14.0}, lambda loc, scale, df: stats.t(df, loc, scale)),
    "uniform": ({"loc": 0.3, "scale": 1.5}, lambda loc, scale: stats.uniform(loc - scale, 2 * scale)),
    "triangular": ({"loc": -0.3, "scale": 1.5}, lambda loc, scale: stats.triang(0.5, loc - scale, 2 * scale)),
    "cauchy": ({"loc": 0.2, "scale": 0.5}, lambda loc, scale: stats.cauchy(loc, scale)),
    "gumbel": ({"loc": 0.2, "scale": 0.5}, lambda loc, scale: stats.gumbel_r(loc, scale)),
    "exponential": ({"rate": 1.7}, lambda rate: stats.expon(scale=1 / rate)),
    "weibull": (
        {"scale": 1.3, "concentration": 1.6},
        lambda scale, concentration: stats.weibull_min(concentration, scale=scale),
    ),
    "pareto": ({"scale": 0.7, "alpha": 12.0}, lambda scale, alpha: stats.pareto(alpha, scale=scale)),
    "reciprocal": ({"low": 0.4, "width": 1.2}, lambda low, width: stats.loguniform(low, low * math.exp(width))),
    "gompertz": ({"shape": 0.8, "rate": 1.4}, lambda shape, rate: stats.gompertz(shape, scale=1 / rate)),
    "log_normal": ({"loc": 0.1, "scale": 0.3}, lambda loc, scale: stats.lognorm(scale, scale=math.exp(loc))),
    "gamma": (
        {"concentration": 0.8, "rate": 1.6},
        lambda concentration, rate: stats.gamma(concentration, scale=1 / rate),
    ),
    "f": ({"df1": 6.0, "df2": 30.0}, lambda df1, df2: stats.f(df1, df2)),
    "kumaraswamy": (
        {"concentration1": 1.4, "concentration0": 2.3},
        lambda concentration1, concentration0: _Kumaraswamy(concentration1, concentration0),
    ),
    "beta": (
        {"concentration1": 0.9, "concentration0": 2.3},
        lambda concentration1, concentration0: stats.beta(concentration1, concentration0),
    ),
}


class _Kumaraswamy:
    """Not in scipy: F(z) = 1 - (1 - z^a)^b, moments by quadrature."""

    def __init__(self, a: float, b: float) -> None:
        self.a, self.b = a, b

    def cdf(self, z):
        return 1 - (1 - np.asarray(z) ** self.a) ** self.b

    def logpdf(self, z):
        return np.log(self.a * self.b) + (self.a - 1) * np.log(z) + (self.b - 1) * np.log1p(-(z**self.a))

    def moment(self, order: int) -> float:
        return quad(lambda z: z**order * math.exp(self.logpdf(z)), 0, 1, epsabs=1e-12)[0]


def of(family: str, n: int, values: dict[str, float], *, leaves: bool = False) -> ReparameterisedDistribution:
    """Return n independent one-dimensional members of the family."""
    parameters: Parameters = {name: torch.full((n, 1), value, dtype=torch.float64) for name, value in values.items()}
    for value in parameters.values():
        value.requires_grad_(leaves)
    return ReparameterisedDistribution(family, parameters)  # type: ignore[arg-type]


def test_every_family_has_a_case() -> None:
    assert set(CASES) | {"dirichlet"} == set(FAMILIES)


@pytest.mark.parametrize("family", CASES)
def test_draws_have_scipys_distribution(family: str) -> None:
    """The Kolmogorov-Smirnov test at the level 1e-6, n = 20,000: it detects a shift of 0.02 standard deviations."""
    values, truth = CASES[family]
    z = of(family, 20_000, values).sample(Noise(0, "draws", 0))[:, 0].numpy()
    assert stats.kstest(z, truth(**values).cdf).pvalue > FAILURE_RATE


@pytest.mark.parametrize("family", CASES)
def test_densities_are_scipys(family: str) -> None:
    values, truth = CASES[family]
    distribution = of(family, 200, values)
    z = distribution.sample(Noise(1, "draws", 0))
    expected = torch.as_tensor(truth(**values).logpdf(z[:, 0].numpy()))
    torch.testing.assert_close(distribution.log_prob(z), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("family", CASES)
def test_means_and_variances_are_scipys(family: str) -> None:
    """Where torch has none, the median stands for the mean, and the variance is nan."""
    values, truth = CASES[family]
    distribution, frozen = of(family, 1, values), truth(**values)
    mean, variance = distribution.mean.item(), distribution.log_var.exp().item()
    if math.isfinite(variance):
        first = frozen.moment(1)
        assert (mean, variance) == (pytest.approx(first), pytest.approx(frozen.moment(2) - first**2))
    else:
        assert mean in (pytest.approx(frozen.mean()), pytest.approx(frozen.median()))


def moment(truth: Any, order: int) -> float:
    """E z^order; for the Cauchy, which has none, E cos(order z) = exp(-order s) cos(order m)."""
    if getattr(getattr(truth, "dist", None), "name", "") == "cauchy":
        loc, scale = truth.args
        return math.exp(-order * scale) * math.cos(order * loc)
    return float(truth.moment(order))


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("family", CASES)
def test_gradients_of_moments_are_those_of_their_closed_forms(family: str, order: int) -> None:
    """d E[z^k] / d(each parameter): the mean over 20,000 draws of the gradient through the draw, against central differences of
    scipy's moment (errors of 1e-7, far below the standard error). Failure rate 1e-6 each."""
    values, truth = CASES[family]
    distribution = of(family, 20_000, values, leaves=True)
    z = distribution.rsample(Noise(2, "draws", order))
    (torch.cos(order * z) if family == "cauchy" else z**order).sum().backward()
    for name, value in values.items():
        step = 1e-4 * abs(value)
        ends = [moment(truth(**{**values, name: value + sign * step}), order) for sign in (1, -1)]
        gradient = distribution.parameters[name].grad
        assert gradient is not None
        assert_mean_or_equal(gradient[:, 0], (ends[0] - ends[1]) / (2 * step))


def assert_mean_or_equal(draws: torch.Tensor, expected: float) -> None:
    """Some gradients are the same for every draw: that of E z with respect to a location is 1."""
    if draws.std() < 1e-9:
        assert draws[0].item() == pytest.approx(expected, rel=1e-5, abs=1e-6)
    else:
        assert_mean(draws, expected)


def test_the_gamma_quantile_and_its_slope_are_scipys() -> None:
    u = torch.rand(300, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    a = torch.logspace(-1, 2, 300, dtype=torch.float64).requires_grad_()
    z = gamma_quantile(a, u)
    z.sum().backward()
    frozen, x = stats.gamma(a.detach().numpy()), z.detach().numpy()
    np.testing.assert_allclose(frozen.cdf(x), u, rtol=1e-9)
    # Implicit differentiation: dz/da = -(dF/da) / p(z)
    step = 1e-4 * a.detach().numpy()
    slopes = (stats.gamma.cdf(x, a.detach().numpy() + step) - stats.gamma.cdf(x, a.detach().numpy() - step)) / (
        2 * step
    )
    np.testing.assert_allclose(a.grad, -slopes / frozen.pdf(x), rtol=1e-5)


def test_the_dirichlet_lies_on_the_simplex_with_its_moments() -> None:
    """Means and second moments of four components, failure rate 1e-6 each; d E z / d a in closed form; scipy's density."""
    a = torch.tensor([0.7, 1.5, 2.0, 0.9], dtype=torch.float64)
    concentration = a.expand(20_000, 4).clone().requires_grad_()
    distribution = ReparameterisedDistribution("dirichlet", {"concentration": concentration})
    z = distribution.rsample(Noise(3, "draws", 0))
    torch.testing.assert_close(z.sum(1), torch.ones(20_000, dtype=torch.float64))
    truth = stats.dirichlet(a.numpy())
    assert_mean(z.detach(), torch.as_tensor(truth.mean()))
    assert_mean(z.detach() ** 2, torch.as_tensor(truth.var() + truth.mean() ** 2))
    z[:, 0].sum().backward()
    total = a.sum()
    expected = -a[0] / total**2 + torch.tensor([1.0, 0, 0, 0], dtype=torch.float64) / total
    assert_mean(concentration.grad, expected)
    rows = z.detach()[:50]
    expected = torch.tensor([truth.logpdf(row / row.sum()) for row in rows.numpy()])
    torch.testing.assert_close(ReparameterisedDistribution("dirichlet", {"concentration": a}).log_prob(rows), expected)


@pytest.mark.parametrize("family", FAMILIES)
def test_float32_draws_are_finite_and_have_a_density(family: str) -> None:
    """5e3 draws of five dimensions of an untrained encoder's q(z|x): none on the end of an open support."""
    encoder = FamilyEncoder(3, 5, 4, family)  # type: ignore[arg-type]
    x = torch.randn((1000, 3), generator=torch.Generator().manual_seed(0))
    q = encoder(x)
    z = q.rsample(Noise(4, "draws", 0), 5)
    assert z.dtype == torch.float32
    assert z.shape == (5, 1000, 5)
    log_q = q.log_prob(z)
    assert log_q.shape == (5, 1000)
    assert log_q.isfinite().all()
    assert q.mean.isfinite().all()
    torch.testing.assert_close(q.rows(1000).mean, q.mode)
    assert torch.autograd.grad(log_q.mean() + z.clamp(-9, 9).mean(), encoder.hidden.weight)[0].isfinite().all()


@pytest.mark.parametrize("value", [math.nan, 0.0])
@pytest.mark.parametrize("family", FAMILIES)
def test_parameters_that_are_no_parameters_give_numbers_and_no_error(family: str, value: float) -> None:
    """Training that diverged is reported by its loss; torch's own checks would end it with a traceback."""
    q = of(family, 3, dict.fromkeys(FAMILIES[family].parameters, value))
    assert q.log_prob(q.rsample(Noise(0, "test", 0))).shape == (3,)
    assert q.mean.shape == q.log_var.shape == (3, 1)
