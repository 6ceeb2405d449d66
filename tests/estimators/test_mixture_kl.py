"""KL divergences from the marginals of a mixture, where another integration or algebra knows them."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from aevb.distributions import DiagonalNormal
from aevb.distributions.normal_mixture import NormalMixture
from aevb.estimators.mixture_kl import kl_from_marginals


def tensor(*values: object) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_one_component_is_the_closed_form() -> None:
    mean, log_var = tensor([0.3, -2.0], [4.0, 0.1], [0.0, 0.0]), tensor([-3.0, 0.5], [0.0, 1.0], [2.0, -8.0])
    prior = DiagonalNormal(tensor(0.4, -1.0), tensor(0.7, -0.5))
    mixture = NormalMixture(torch.zeros(1).double(), DiagonalNormal(prior.mean[None], prior.log_var[None]))
    for j in range(2):
        one = slice(j, j + 1)
        expected = DiagonalNormal(mean[:, one], log_var[:, one]).kl(DiagonalNormal(prior.mean[one], prior.log_var[one]))
        torch.testing.assert_close(kl_from_marginals(DiagonalNormal(mean, log_var), mixture)[:, j], expected)


@pytest.mark.parametrize(("mean", "scale"), [(0.0, 1.0), (-1.5, 0.2), (2.6, 0.05), (0.5, 2.0), (6.0, 1.0)])
def test_three_components_are_those_of_another_rule_of_integration(mean: float, scale: float) -> None:
    """Components of different widths with gaps between them: by adaptive quadrature, to 0.01 nats."""
    weights, means, scales = np.array([0.2, 0.5, 0.3]), np.array([-2.0, 0.0, 2.5]), np.array([0.4, 1.0, 0.3])

    def integrand(z: float) -> float:
        log_q = stats.norm.logpdf(z, mean, scale)
        return math.exp(log_q) * (log_q - math.log(weights @ stats.norm.pdf(z, means, scales)))

    expected = integrate.quad(integrand, mean - 9 * scale, mean + 9 * scale, limit=500, points=[mean])[0]
    components = DiagonalNormal(torch.from_numpy(means)[:, None], 2 * torch.from_numpy(scales).log()[:, None])
    mixture = NormalMixture(torch.from_numpy(weights).log(), components)
    qz_x = DiagonalNormal(tensor([mean]), tensor([2 * math.log(scale)]))
    assert kl_from_marginals(qz_x, mixture).item() == pytest.approx(expected, abs=0.01)
