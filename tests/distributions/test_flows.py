"""Normalizing flows: densities against autograd's Jacobian and integrals, inverses, gradients against finite differences."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from aevb.distributions import DiagonalNormal, NoClosedForm
from aevb.distributions.flows import Flow
from aevb.models.inverse_autoregressive import InverseAutoregressiveEncoder
from aevb.models.planar import PlanarEncoder, PlanarStep
from aevb.models.prior import StandardNormal
from aevb.noise import Noise

D, M = 5, 3
BOTH = pytest.mark.parametrize("kind", ["planar", "iaf"])


def encoder(kind: str, latent_dim: int, size: float = 0.7) -> PlanarEncoder | InverseAutoregressiveEncoder:
    """An encoder with large random weights, so that its flow is far from affine."""
    network: PlanarEncoder | InverseAutoregressiveEncoder = (
        PlanarEncoder(D, latent_dim, 4, flows=3)
        if kind == "planar"
        else InverseAutoregressiveEncoder(D, latent_dim, 4, 3, 6)
    )
    network = network.double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(size * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return network


def images(count: int = M) -> Tensor:
    return torch.randn((count, D), generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def flow(kind: str, latent_dim: int, size: float = 0.7) -> Flow:
    with torch.no_grad():
        return encoder(kind, latent_dim, size)(images())


def jacobian(function: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    return torch.autograd.functional.jacobian(function, z)


@BOTH
@pytest.mark.parametrize("latent_dim", [1, 2, 4])
def test_the_log_determinant_is_that_of_autograd(kind: str, latent_dim: int) -> None:
    q = encoder(kind, latent_dim)(images(1))
    for seed in range(3):
        z = torch.randn((1, latent_dim), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        matrix = jacobian(lambda z: q.push(z)[0], z)[0, :, 0]
        torch.testing.assert_close(q.push(z)[1][0].detach(), torch.linalg.slogdet(matrix).logabsdet)
        assert torch.linalg.det(matrix).abs() > 1e-6


@BOTH
@pytest.mark.parametrize("latent_dim", [1, 2, 4])
def test_the_inverse_of_the_flow_is_the_identity(kind: str, latent_dim: int) -> None:
    q = flow(kind, latent_dim)
    z = 2 * torch.randn((50, M, latent_dim), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    there, total = q.push(z)
    back, other = q.pull(there)
    assert (there - z).abs().max() > 0.3
    torch.testing.assert_close(back, z, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(other, total, rtol=1e-8, atol=1e-8)


@BOTH
@pytest.mark.parametrize("latent_dim", [1, 2])
def test_the_density_integrates_to_one(kind: str, latent_dim: int) -> None:
    q = flow(kind, latent_dim, 0.35)
    axis = torch.linspace(-9, 9, 1001 if latent_dim == 1 else 201, dtype=torch.float64)
    scale = (0.5 * q.log_var).exp()
    z = q.mean + scale * torch.cartesian_prod(*[axis] * latent_dim).reshape(-1, 1, latent_dim)
    mass = q.log_prob(z).exp().sum(0) * (axis[1] - axis[0]) ** latent_dim * scale.prod(-1)
    torch.testing.assert_close(mass, torch.ones(M, dtype=torch.float64), rtol=0, atol=1e-4)


@BOTH
def test_the_log_density_of_a_draw_is_kept_for_that_tensor_alone(kind: str) -> None:
    q = flow(kind, 2)
    z = q.rsample(Noise(0, "test", 0), 4)
    kept = q.log_prob(z)
    assert q.log_prob(z) is kept
    other = q.log_prob(z.clone())
    assert other is not kept
    torch.testing.assert_close(other, kept, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(q.log_prob(z[1:3]), kept[1:3], rtol=1e-9, atol=1e-9)
    z[0] += 1
    assert (q.log_prob(z)[0] - kept[0]).abs().min() > 1e-3
    torch.testing.assert_close(q.log_prob(z)[1:], kept[1:], rtol=1e-9, atol=1e-9)
    with torch.inference_mode():
        z = q.sample(Noise(0, "test", 0))
        torch.testing.assert_close(q.log_prob(z.clone()), q.log_prob(z))


@BOTH
def test_a_draw_without_a_gradient_has_a_log_density_with_one(kind: str) -> None:
    """The score-function estimator and VIMCO differentiate log q at draws that are held fixed."""
    network = encoder(kind, 2)
    q = network(images())
    z = q.sample(Noise(0, "test", 0), 2)
    gradients = torch.autograd.grad(q.log_prob(z).sum(), list(network.parameters()))
    fixed = z.clone()

    def value() -> Tensor:
        return network(images()).log_prob(fixed).sum()

    differences_agree(network, value, gradients)


@BOTH
def test_the_gradient_at_other_points_is_that_of_finite_differences(kind: str) -> None:
    q = flow(kind, 3, 0.35)
    z = torch.randn((M, 3), generator=torch.Generator().manual_seed(4), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: q.log_prob(z), (z,))


@BOTH
def test_the_gradient_of_sgvb_a_is_that_of_finite_differences(kind: str) -> None:
    network, prior = encoder(kind, 2), StandardNormal(2).double()

    def value() -> Tensor:
        q = network(images())
        z = q.rsample(Noise(0, "test", 0), 2)
        return (prior().log_prob(z) - q.log_prob(z) - (z**4).sum(-1)).mean()

    differences_agree(network, value, torch.autograd.grad(value(), list(network.parameters())))


def differences_agree(network: torch.nn.Module, value: Callable[[], Tensor], gradients: tuple[Tensor, ...]) -> None:
    """Along one random direction in all parameters together, and along each parameter alone."""
    generator, parameters, step = torch.Generator().manual_seed(5), list(network.parameters()), 1e-6
    directions = [torch.randn(p.shape, generator=generator, dtype=torch.float64) for p in parameters]
    everything = [directions] + [
        [d if k == i else 0 * d for k, d in enumerate(directions)] for i in range(len(directions))
    ]
    for along in everything:
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                for parameter, d in zip(parameters, along, strict=True):
                    parameter.add_(sign * step * d)
                values.append(value().item())
                for parameter, d in zip(parameters, along, strict=True):
                    parameter.sub_(sign * step * d)
        expected = sum((g * d).sum().item() for g, d in zip(gradients, along, strict=True))
        assert (values[0] - values[1]) / (2 * step) == pytest.approx(expected, rel=1e-5, abs=1e-6)


@BOTH
def test_the_mean_and_the_variance_are_close_to_those_of_many_draws(kind: str) -> None:
    """2 x 10^5 draws say what the moments are to half a per cent; the fixed draws may err by 4 sigma / 11 and 50%."""
    q = flow(kind, 2)
    z = q.sample(Noise(3, "test", 0), 200_000)
    assert ((q.mean - z.mean(0)).abs() < 4 / 11 * z.std(0)).all()
    assert ((q.log_var - z.var(0).log()).abs() < 0.5).all()
    assert torch.equal(q.mode, q.mean)


def test_the_mean_and_the_variance_of_an_affine_flow_are_exact() -> None:
    network = encoder("planar", 2)
    with torch.no_grad():
        network.u.weight.zero_(), network.u.bias.zero_()
        q = network(images())
    torch.testing.assert_close(q.mean, q.base.mean)
    torch.testing.assert_close(q.log_var, q.base.log_var)
    z = q.base.sample(Noise(0, "test", 0), 5)
    torch.testing.assert_close(q.log_prob(z), q.base.log_prob(z))


@BOTH
def test_rows_repeat_it(kind: str) -> None:
    with torch.no_grad():
        q = encoder(kind, 2)(images(1)[0])
    z = torch.randn((4, 2), generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    torch.testing.assert_close(q.rows(4).log_prob(z), q.log_prob(z))
    assert q.rows(4).sample(Noise(0, "n", 0), 3).shape == (3, 4, 2)
    with pytest.raises(NoClosedForm, match=kind):
        q.kl(StandardNormal(2)())


@pytest.mark.parametrize("size", [1e-20, 1e-3, 1.0, 50.0])
def test_planar_maps_are_invertible_for_any_outputs_of_the_network(size: float) -> None:
    generator = torch.Generator().manual_seed(0)
    v, w = (size * torch.randn((200, 3), generator=generator, dtype=torch.float64) for _ in range(2))
    step = PlanarStep.constrained(v, w, torch.randn(200, generator=generator, dtype=torch.float64))
    assert ((step.w * step.u).sum(-1) > -1).all()
    assert (step.u.norm(dim=-1) < 1.4 * v.norm(dim=-1) + 1 / w.norm(dim=-1) * (size > 1)).all()
    z = torch.randn((200, 3), generator=generator, dtype=torch.float64)
    value, log_det = step.forward(z)
    assert log_det.isfinite().all()
    torch.testing.assert_close(step.inverse(value)[0], z, rtol=1e-6, atol=1e-6)


def test_a_step_of_the_autoregressive_flow_has_a_triangular_jacobian_in_alternating_order() -> None:
    q = encoder("iaf", 4)(images(1))
    z = torch.zeros((1, 4), dtype=torch.float64)
    matrices = [jacobian(lambda z, s=step: s.forward(z)[0], z)[0, :, 0] for step in q.steps]
    for matrix, reverse in zip(matrices, (True, True, False), strict=True):
        lower = matrix.flip(0) if reverse else matrix
        assert lower.triu(1).abs().max() == 0
        assert lower[*torch.tril_indices(4, 4)].abs().min() > 1e-6


@BOTH
def test_single_precision_is_enough(kind: str) -> None:
    network = encoder(kind, 2)
    z = network(images()).sample(Noise(0, "test", 0), 20)
    exact = network(images()).log_prob(z)
    single = network.float()(images().float()).log_prob(z.float())
    torch.testing.assert_close(single.double(), exact, rtol=1e-3, atol=2e-3)


def test_a_planar_map_in_units_of_the_base_is_the_map_of_the_standardised_point() -> None:
    generator = torch.Generator().manual_seed(0)
    v, w, z, mean, log_var = (torch.randn((20, 3), generator=generator, dtype=torch.float64) for _ in range(5))
    step = PlanarStep.constrained(v, w, torch.randn(20, generator=generator, dtype=torch.float64))
    base = DiagonalNormal(mean, log_var)
    value, log_det = step.relative_to(base).forward(z)
    expected, log_det_expected = step.forward((z - mean) / base.scale)
    torch.testing.assert_close(value, base.scale * expected + mean)
    torch.testing.assert_close(log_det, log_det_expected)
