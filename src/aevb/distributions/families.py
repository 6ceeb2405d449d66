r"""Distributions that are a differentiable transformation of parameter-free noise: the three approaches of section 2.4.

    inverse CDF       z = F^{-1}(u)            Exponential, Cauchy, Logistic, Rayleigh, Pareto, Weibull, Reciprocal,
                                               Gompertz, Gumbel, Erlang; Kumaraswamy
    location, scale   z = m + s e              Laplace, Student t, Logistic, Uniform, Triangular
    composition       z = g(z_1, z_2, ...)     Log-Normal = exp of a normal; Gamma and Chi-Squared by the
                                               inverse CDF of scipy; Beta, Dirichlet, F = ratios of Gammas;
                                               Student t = normal / square root of a Gamma

u is uniform on (0, 1) and drawn in float64; it is clamped to 2^-53 from the ends, where inverse
CDFs are infinite. The densities are those of torch.distributions. Two entries of the paper's list
are not here: the Gaussian, which is aevb.distributions.normal, and Elliptical, a class of
distributions that contains the Gaussian and Student's t.

Where the tails or the support of q are wider than those of the prior, KL(q || p) is infinite.
aevb.models.families determines which prior is safe and refuses the others.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch import distributions as td
from torch.distributions import transforms as tt

from aevb.distributions.gamma_quantile import gamma_quantile
from aevb.noise import Noise

__all__ = ["FAMILIES", "Family", "Parameters", "uniform"]

Parameters = dict[str, Tensor]
END = 2.0**-53
WITHIN = 1e-5  # relative to the half-width of a bounded interval: how far outside rounding may put a draw


class Family(NamedTuple):
    """A family of distributions over each latent dimension separately (Dirichlet: over all dimensions together).

    Attributes:
        parameters: Name of each parameter -> its lower bound; -inf for any real number.
        support: Support of z: "real", "positive", "unit" or "simplex".
        density: Parameters -> the distribution of torch.distributions.
        draw: (parameters, noise, shape) -> z of that shape, differentiable with respect to the
            parameters, which have the same shape.
    """

    parameters: dict[str, float]
    support: str
    density: Callable[[Parameters], Any]
    draw: Callable[[Parameters, Noise, tuple[int, ...]], Tensor]


def uniform(noise: Noise, shape: tuple[int, ...]) -> Tensor:
    """Draw uniform random numbers in (0, 1).

    Args:
        noise: The random numbers.
        shape: Shape of the result.

    Returns:
        Numbers in [2^-53, 1 - 2^-53], float64.
    """
    return noise.uniform(shape, torch.float64).clamp(END, 1 - END)


def _by_inverse_cdf(density: Callable[[Parameters], Any]) -> Callable[[Parameters, Noise, tuple[int, ...]], Tensor]:
    def draw(p: Parameters, noise: Noise, shape: tuple[int, ...]) -> Tensor:
        return density({name: value.double() for name, value in p.items()}).icdf(uniform(noise, shape))

    return draw


class _Bounded(td.Uniform):
    """The uniform distribution on (loc - scale, loc + scale)."""

    def __init__(self, loc: Tensor, scale: Tensor) -> None:
        self.middle, self.half = loc, scale
        super().__init__(loc - scale, loc + scale, validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        inside = (value - self.middle).abs() <= (1 + WITHIN) * self.half
        return torch.where(inside, -torch.log(2 * self.half), -math.inf)


class _Triangular(td.Distribution):
    """loc + scale t, where t in (-1, 1) has the density 1 - |t|."""

    arg_constraints = {}  # noqa: RUF012 (torch's)

    def __init__(self, loc: Tensor, scale: Tensor) -> None:
        self.loc, self.scale = loc, scale
        super().__init__(loc.shape, validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self.scale**2 / 6

    def icdf(self, value: Tensor) -> Tensor:
        t = torch.where(value < 0.5, (2 * value).sqrt() - 1, 1 - (2 - 2 * value).sqrt())
        return self.loc + self.scale * t

    def log_prob(self, value: Tensor) -> Tensor:
        t = ((value - self.loc) / self.scale).abs()
        return (
            torch.log1p(-t.clamp(max=1 - torch.finfo(t.dtype).eps)).where(t <= 1 + WITHIN, -math.inf) - self.scale.log()
        )


class _StudentT(td.StudentT):
    """Student's t; torch's own refuses a parameter that is not a number, where training shall report that it diverged."""

    def __init__(self, loc: Tensor, scale: Tensor, df: Tensor) -> None:
        self.df, self.loc, self.scale = torch.broadcast_tensors(df, loc, scale)
        self._chi2 = td.Chi2(self.df, validate_args=False)
        td.Distribution.__init__(self, self.df.shape, validate_args=False)


class _F(td.FisherSnedecor):
    """The F distribution, likewise."""

    def __init__(self, df1: Tensor, df2: Tensor) -> None:
        self.df1, self.df2 = torch.broadcast_tensors(df1, df2)
        self._gamma1, self._gamma2 = (td.Gamma(df * 0.5, df, validate_args=False) for df in (self.df1, self.df2))
        td.Distribution.__init__(self, self.df1.shape, validate_args=False)


def _logistic(p: Parameters) -> td.Distribution:
    one = torch.ones_like(p["scale"])
    base = td.Uniform(0 * one, one, validate_args=False)
    return td.TransformedDistribution(
        base, [tt.SigmoidTransform().inv, tt.AffineTransform(p["loc"], p["scale"])], False
    )


def _gompertz(p: Parameters) -> td.Distribution:
    """P(z > t) = exp(-eta (e^{b t} - 1)), by z = log(1 + e / eta) / b with e ~ Exponential(1)."""
    one = torch.ones_like(p["rate"])
    shift = tt.AffineTransform(one, 1 / p["shape"])
    parts = [shift, tt.ExpTransform().inv, tt.AffineTransform(0 * one, 1 / p["rate"])]
    return td.TransformedDistribution(td.Exponential(one, validate_args=False), parts, False)


def _reciprocal(p: Parameters) -> td.Distribution:
    """Density 1 / (z log(b / a)) on (a, b), so log z is uniform; the parameter "width" is log(b / a)."""
    middle = p["low"].log() + p["width"] / 2
    return td.TransformedDistribution(_Bounded(middle, p["width"] / 2), [tt.ExpTransform()], False)


def _gamma(p: Parameters, noise: Noise, shape: tuple[int, ...]) -> Tensor:
    return gamma_quantile(p["concentration"], uniform(noise, shape)) / p["rate"].double()


def _student_t(p: Parameters, noise: Noise, shape: tuple[int, ...]) -> Tensor:
    half = p["df"].double() / 2
    normal = noise.normal(shape, torch.float64)
    chi_squared_over_df = gamma_quantile(half, uniform(noise, shape)) / half
    return p["loc"] + p["scale"] * normal / chi_squared_over_df.sqrt()


def _positive(concentration: Tensor, noise: Noise, shape: tuple[int, ...]) -> Tensor:
    # A draw of Gamma(c, 1) underflows for small c, and the ratio of two zeros has no value.
    return gamma_quantile(concentration, uniform(noise, shape)).clamp(min=torch.finfo(torch.float64).tiny)


def _beta(p: Parameters, noise: Noise, shape: tuple[int, ...]) -> Tensor:
    first, second = (_positive(p[name], noise, shape) for name in ("concentration1", "concentration0"))
    return first / (first + second)


def _f(p: Parameters, noise: Noise, shape: tuple[int, ...]) -> Tensor:
    halves = [p[name].double() / 2 for name in ("df1", "df2")]
    first, second = (_positive(half, noise, shape) / half for half in halves)
    return first / second


def _dirichlet(p: Parameters, noise: Noise, shape: tuple[int, ...]) -> Tensor:
    weights = _positive(p["concentration"], noise, shape)
    return weights / weights.sum(-1, keepdim=True)


def _torch(distribution: Any) -> Callable[[Parameters], Any]:
    return lambda p: distribution(**p, validate_args=False)


def _inverse(parameters: dict[str, float], support: str, density: Callable[[Parameters], Any]) -> Family:
    return Family(parameters, support, density, _by_inverse_cdf(density))


REAL = -math.inf
LOCATION_SCALE = {"loc": REAL, "scale": 0.0}
GAMMA = {"concentration": 0.0, "rate": 0.0}

FAMILIES: dict[str, Family] = {
    "laplace": _inverse(LOCATION_SCALE, "real", _torch(td.Laplace)),
    "logistic": _inverse(LOCATION_SCALE, "real", _logistic),
    # df > 2: the expectation of log N(z; 0, 1) needs two moments.
    "student_t": Family({**LOCATION_SCALE, "df": 2.0}, "real", lambda p: _StudentT(**p), _student_t),
    "uniform": _inverse(LOCATION_SCALE, "real", lambda p: _Bounded(p["loc"], p["scale"])),
    "triangular": _inverse(LOCATION_SCALE, "real", lambda p: _Triangular(p["loc"], p["scale"])),
    "cauchy": _inverse(LOCATION_SCALE, "real", _torch(td.Cauchy)),
    "gumbel": _inverse(LOCATION_SCALE, "real", _torch(td.Gumbel)),
    "exponential": _inverse({"rate": 0.0}, "positive", _torch(td.Exponential)),
    "weibull": _inverse({"scale": 0.0, "concentration": 0.0}, "positive", _torch(td.Weibull)),
    # alpha > 1: the mean is finite.
    "pareto": _inverse({"scale": 0.0, "alpha": 1.0}, "positive", _torch(td.Pareto)),
    "reciprocal": _inverse({"low": 0.0, "width": 0.0}, "positive", _reciprocal),
    "gompertz": _inverse({"shape": 0.0, "rate": 0.0}, "positive", _gompertz),
    "log_normal": _inverse(LOCATION_SCALE, "positive", _torch(td.LogNormal)),
    "gamma": Family(GAMMA, "positive", _torch(td.Gamma), _gamma),
    "f": Family({"df1": 0.0, "df2": 2.0}, "positive", lambda p: _F(**p), _f),
    "kumaraswamy": _inverse({"concentration1": 0.0, "concentration0": 0.0}, "unit", _torch(td.Kumaraswamy)),
    "beta": Family({"concentration1": 0.0, "concentration0": 0.0}, "unit", _torch(td.Beta), _beta),
    "dirichlet": Family({"concentration": 0.0}, "simplex", _torch(td.Dirichlet), _dirichlet),
}
