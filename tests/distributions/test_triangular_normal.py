"""The normal with a full covariance matrix, against torch.distributions.MultivariateNormal."""

import pytest
import torch

from aevb.distributions import Bernoulli, DiagonalNormal, NoClosedForm
from aevb.distributions.triangular_normal import TriangularNormal
from aevb.noise import Noise
from helpers.statistics import assert_mean

M, J = 3, 4


def normals(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def parameters(*batch: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return normals(*batch, J), normals(*batch, J, seed=1), normals(*batch, J, J, seed=2).tril(-1)


def of_torch(q: TriangularNormal) -> torch.distributions.MultivariateNormal:
    return torch.distributions.MultivariateNormal(q.mean, scale_tril=q.factor)


@pytest.mark.parametrize(
    ("batch", "points"),
    [((M,), (M,)), ((M,), (5, M)), ((M,), (5, 1)), ((), (5, M)), ((), ()), ((1,), (M,)), ((2, M), (M,)), ((M,), ())],
)
def test_the_log_density_is_that_of_torch(batch: tuple[int, ...], points: tuple[int, ...]) -> None:
    q, z = TriangularNormal(*parameters(*batch)), normals(*points, J, seed=3)
    torch.testing.assert_close(q.log_prob(z), of_torch(q).log_prob(z), rtol=1e-10, atol=1e-10)


def test_the_gradient_of_the_log_density_is_that_of_torch() -> None:
    leaves = [parameter.requires_grad_() for parameter in parameters(M)]
    q, z = TriangularNormal(*leaves), normals(5, M, J, seed=3)
    gradients = torch.autograd.grad(q.log_prob(z).sum(), leaves)
    expected = torch.autograd.grad(of_torch(q).log_prob(z).sum(), leaves)
    for one, other in zip(gradients, expected, strict=True):
        entries = (lambda g: g.tril(-1)) if one.dim() == 3 else (lambda g: g)  # others are 0 for every x
        torch.testing.assert_close(entries(one), entries(other))


def test_the_kl_divergence_is_that_of_torch() -> None:
    q, p = TriangularNormal(*parameters(M)), DiagonalNormal(normals(J, seed=4), normals(J, seed=5))
    of_p = torch.distributions.MultivariateNormal(p.mean, torch.diag(p.log_var.exp()))
    torch.testing.assert_close(q.kl(p), torch.distributions.kl_divergence(of_torch(q), of_p))


def test_draws_have_the_moments() -> None:
    """10^5 draws of z and z z'; failure rate 1e-6."""
    q = TriangularNormal(*parameters(M))
    z = q.sample(Noise(0, "test", 0), 100_000)
    assert z.shape == (100_000, M, J)
    assert_mean(z, q.mean)
    shift = z - q.mean
    assert_mean((shift.unsqueeze(-1) * shift.unsqueeze(-2)).flatten(-2), (q.factor @ q.factor.mT).flatten(-2))
    torch.testing.assert_close(q.log_var.exp(), of_torch(q).variance)


def test_without_a_lower_triangle_it_is_the_diagonal_normal() -> None:
    mean, log_var, lower = parameters(M)
    q, diagonal = TriangularNormal(mean, log_var, 0 * lower), DiagonalNormal(mean, log_var)
    p, z = DiagonalNormal(normals(J, seed=4), normals(J, seed=5)), normals(5, M, J, seed=3)
    torch.testing.assert_close(q.log_prob(z), diagonal.log_prob(z))
    torch.testing.assert_close(q.kl(p), diagonal.kl(p))
    torch.testing.assert_close(q.rsample(Noise(0, "n", 0), 2), diagonal.rsample(Noise(0, "n", 0), 2))
    assert torch.equal(q.mode, q.mean)


def test_rows_repeat_it() -> None:
    q, z = TriangularNormal(*parameters()), normals(M, J, seed=3)
    torch.testing.assert_close(q.rows(M).log_prob(z), q.log_prob(z))
    assert q.rows(M).sample(Noise(0, "n", 0)).shape == (M, J)


def test_a_prior_without_a_closed_form_is_refused() -> None:
    with pytest.raises(NoClosedForm, match="full_covariance"):
        TriangularNormal(*parameters(M)).kl(Bernoulli(normals(J)))
