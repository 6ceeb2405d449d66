"""The mixture of normals against torch.distributions, differentiation and its moments, in float64."""

import math

import pytest
import torch
from torch import Tensor
from torch import distributions as td

from aevb.distributions import DiagonalNormal, NoClosedForm
from aevb.distributions import normal_mixture as module
from aevb.distributions.normal_mixture import NormalMixture
from aevb.distributions.reparameterised import ReparameterisedDistribution
from aevb.noise import Noise, RowNoise
from helpers.statistics import assert_mean

K, J = 3, 2
LOGITS = torch.tensor([0.3, -1.2, 0.9], dtype=torch.float64)
MEAN = torch.tensor([[-3.0, 0.5], [0.2, 1.0], [4.0, -2.0]], dtype=torch.float64)
LOG_VAR = torch.tensor([[-4.0, 0.1], [0.5, 1.0], [0.0, -1.0]], dtype=torch.float64)
POINTS = 3 * torch.randn(4, 5, J, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def mixture() -> NormalMixture:
    return NormalMixture(LOGITS, DiagonalNormal(MEAN, LOG_VAR))


def of_torch() -> td.MixtureSameFamily:
    components = td.Independent(td.Normal(MEAN, (LOG_VAR / 2).exp()), 1)
    return td.MixtureSameFamily(td.Categorical(logits=LOGITS), components)


@pytest.mark.parametrize("pairs", [2_000_000, 7], ids=["at once", "in parts"])
def test_the_density_and_the_moments_are_those_of_torch(pairs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAIRS", pairs)
    torch.testing.assert_close(mixture().log_prob(POINTS), of_torch().log_prob(POINTS), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(mixture().mean, of_torch().mean, rtol=1e-12, atol=0)
    torch.testing.assert_close(mixture().log_var.exp(), of_torch().variance, rtol=1e-12, atol=0)
    torch.testing.assert_close(mixture().weights, of_torch().mixture_distribution.probs, rtol=1e-12, atol=0)


def test_the_density_in_single_precision_is_not_worse_than_its_points() -> None:
    """Narrow components far from 0, where an expanded square in float32 would lose all digits."""
    mean, log_var = torch.tensor([[30.0, -20.0], [30.1, -20.0]]), torch.full((2, 2), -10.0)
    narrow = NormalMixture(torch.zeros(2), DiagonalNormal(mean, log_var))
    z = mean + 0.003
    exact = NormalMixture(torch.zeros(2).double(), DiagonalNormal(mean.double(), log_var.double())).log_prob(z.double())
    assert narrow.log_prob(z).dtype == torch.float32
    torch.testing.assert_close(narrow.log_prob(z).double(), exact, rtol=0, atol=1e-6)


def test_the_gradients_are_those_of_finite_differences() -> None:
    leaves = [tensor.clone().requires_grad_() for tensor in (LOGITS, MEAN, LOG_VAR, POINTS)]

    def density(logits: Tensor, mean: Tensor, log_var: Tensor, z: Tensor) -> Tensor:
        return NormalMixture(logits, DiagonalNormal(mean, log_var)).log_prob(z)

    assert torch.autograd.gradcheck(density, leaves, eps=1e-6, atol=1e-7)


def test_the_slope_is_the_gradient_of_the_log_density() -> None:
    z = POINTS.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(mixture().log_prob(z).sum(), z)
    torch.testing.assert_close(mixture().slope(POINTS), gradient, rtol=1e-10, atol=1e-10)


def test_draws_have_the_moments_and_the_shares_of_the_components() -> None:
    """40,000 draws; failure rate 1e-6 for each assertion."""
    z = mixture().sample(Noise(0, "test", 0), 40_000)
    assert z.shape == (40_000, J)
    assert_mean(z, mixture().mean)
    assert_mean((z - mixture().mean) ** 2, mixture().log_var.exp())
    assert_mean((z[:, 0] > 2).double(), of_torch_share(2.0))


def of_torch_share(above: float) -> float:
    normal = td.Normal(MEAN[:, 0], (LOG_VAR[:, 0] / 2).exp())
    return float((torch.softmax(LOGITS, 0) * (1 - normal.cdf(torch.tensor(above)))).sum())


def test_rows_draw_from_streams_of_their_own() -> None:
    rows = mixture().rows(4)
    together = rows.sample(RowNoise(0, "test", range(4)), 3)
    alone = mixture().rows(1).sample(RowNoise(0, "test", range(2, 3)), 3)
    assert (together.shape, rows.mean.shape, rows.log_var.shape, rows.mode.shape) == ((3, 4, J), *[(4, J)] * 3)
    torch.testing.assert_close(together[:, 2:3], alone, rtol=0, atol=0)
    assert rows.sample(RowNoise(0, "test", range(4))).shape == (4, J)
    assert mixture().sample(Noise(0, "test", 0)).shape == (J,)
    assert not together.requires_grad


def test_the_mode_is_the_mean_of_the_densest_component() -> None:
    torch.testing.assert_close(mixture().mode, MEAN[of_torch().log_prob(MEAN).argmax()], rtol=0, atol=0)


def test_the_reach_holds_the_mass() -> None:
    assert mixture().reach == pytest.approx(max(3 + 8 * math.exp(-2), 1 + 8 * math.exp(0.5), 12))


def test_there_is_no_closed_form() -> None:
    normal = DiagonalNormal(torch.zeros(J), torch.zeros(J))
    laplace = ReparameterisedDistribution("laplace", {"location": torch.zeros(J), "scale": torch.ones(J)})
    for q, p in ((normal, mixture()), (laplace, mixture()), (mixture(), normal)):
        with pytest.raises(NoClosedForm, match="try: objective=sgvb_a"):
            q.kl(p)  # type: ignore[arg-type]
