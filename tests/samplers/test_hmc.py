"""Hamiltonian Monte Carlo: reversibility, volume and energy, then moments, then the step size rules."""

import math

import pytest
import torch
from torch import Tensor

from aevb.noise import Noise, RowNoise
from aevb.samplers.hmc import chains_at, hmc, leapfrog
from aevb.samplers.step_size import DualAveraging, authors_rule, warm_up
from helpers.statistics import assert_mean

COVARIANCE = torch.tensor([[1.0, 0.7], [0.7, 0.8]], dtype=torch.float64)
PRECISION = torch.linalg.inv(COVARIANCE)


def gaussian(z: Tensor) -> Tensor:
    """log N(0, COVARIANCE) up to a constant."""
    return -0.5 * ((z @ PRECISION) * z).sum(-1)


def banana(z: Tensor) -> Tensor:
    """A density whose gradient is not linear."""
    return -0.5 * z[..., 0] ** 2 - 2 * (z[..., 1] - z[..., 0] ** 2) ** 2


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


STEP = torch.tensor(0.1, dtype=torch.float64)


@pytest.mark.parametrize("density", [gaussian, banana])
def test_leapfrog_comes_back_when_velocities_are_turned_round(density):
    z, v = numbers(20, 2), numbers(20, 2, seed=1)
    there, velocity = leapfrog(density, chains_at(density, z), v, STEP, 10)
    back, returned = leapfrog(density, there, -velocity, STEP, 10)
    torch.testing.assert_close(back.position, z, rtol=0, atol=1e-12)
    torch.testing.assert_close(returned, -v, rtol=0, atol=1e-12)
    assert (there.position - z).norm() > 1


@pytest.mark.parametrize("density", [gaussian, banana])
def test_leapfrog_preserves_volume(density):
    """|det J| = 1 of (z, v) -> (z', v'), by central differences of a map in four dimensions."""

    def flow(state: Tensor) -> Tensor:
        there, velocity = leapfrog(density, chains_at(density, state[..., :2]), state[..., 2:], STEP, 5)
        return torch.cat([there.position, velocity], -1)

    state, h = numbers(4), 1e-5
    jacobian = (flow(state + h * torch.eye(4).double()) - flow(state - h * torch.eye(4).double())) / (2 * h)
    assert torch.linalg.det(jacobian).abs().item() == pytest.approx(1, abs=1e-8)
    assert (jacobian - torch.eye(4).double()).norm() > 0.1


def test_leapfrog_conserves_the_shadow_energy():
    """v^2 + z^2 (1 - eps^2 / 4) is constant along the leapfrog trajectory of N(0, 1); v^2 + z^2 is not."""
    z, v, eps = numbers(30, 1), numbers(30, 1, seed=1), 0.5
    chains = chains_at(lambda z: -0.5 * (z**2).sum(-1), z)
    there, velocity = leapfrog(lambda z: -0.5 * (z**2).sum(-1), chains, v, torch.tensor(eps), 7)

    def shadow(z: Tensor, v: Tensor) -> Tensor:
        return v**2 + z**2 * (1 - eps**2 / 4)

    torch.testing.assert_close(shadow(there.position, velocity), shadow(z, v), rtol=0, atol=1e-12)
    assert ((there.position**2 + velocity**2) - (z**2 + v**2)).abs().max() > 0.01


def test_energy_error_falls_with_the_square_of_the_step():
    """A fixed time of integration: halving eps quarters the error of H."""
    z, v = numbers(200, 2), numbers(200, 2, seed=1)
    chains = chains_at(banana, 0.5 * z)

    def error(eps: float) -> float:
        there, velocity = leapfrog(banana, chains, v, torch.tensor(eps, dtype=torch.float64), round(0.4 / eps))
        before = 0.5 * (v**2).sum(-1) - chains.log_density
        return (0.5 * (velocity**2).sum(-1) - there.log_density - before).abs().mean().item()

    assert error(0.01) / error(0.005) == pytest.approx(4, rel=0.05)


def test_mean_of_exp_minus_energy_error_is_one():
    """E[exp(-Delta H)] = 1 in stationarity (volume and reversibility together), at a step where Delta H is not small."""
    z = numbers(20_000, 2) @ torch.linalg.cholesky(COVARIANCE).T
    v = numbers(20_000, 2, seed=1)
    chains = chains_at(gaussian, z)
    there, velocity = leapfrog(gaussian, chains, v, torch.tensor(0.5, dtype=torch.float64), 1)
    log_ratio = there.log_density - chains.log_density - 0.5 * (velocity**2 - v**2).sum(-1)
    assert log_ratio.std() > 0.1
    assert_mean(log_ratio.exp(), 1.0)


def test_a_transition_leaves_the_density_as_it_is():
    """From 40,000 exact draws, three trajectories with a quarter of them rejected: second moments as before, z-tests."""
    z = numbers(40_000, 2) @ torch.linalg.cholesky(COVARIANCE).T
    chains, noise = chains_at(gaussian, z), Noise(0, "hmc", 0)
    step = torch.tensor(0.65, dtype=torch.float64)
    for _ in range(3):
        transition = hmc(gaussian, chains, step, 3, noise)
        chains = transition.chains
    assert 0.4 < transition.accepted.double().mean() < 0.9
    z = chains.position
    assert_mean(z, 0.0)
    assert_mean(z[:, :, None] * z[:, None, :], COVARIANCE)
    assert_mean(transition.accepted.double() - transition.acceptance, 0.0)


def test_rejected_chains_stay_and_carry_their_own_gradient():
    chains, noise = chains_at(banana, numbers(500, 2)), Noise(0, "hmc", 0)
    transition = hmc(banana, chains, torch.tensor(0.4, dtype=torch.float64), 5, noise)
    stayed = ~transition.accepted
    assert 50 < stayed.sum() < 450
    torch.testing.assert_close(transition.chains.position[stayed], chains.position[stayed], rtol=0, atol=0)
    again = chains_at(banana, transition.chains.position)
    torch.testing.assert_close(transition.chains.gradient, again.gradient)
    torch.testing.assert_close(transition.chains.log_density, again.log_density)


def test_a_trajectory_that_explodes_is_rejected():
    chains = chains_at(lambda z: -(z**4).sum(-1), numbers(50, 2))
    transition = hmc(lambda z: -(z**4).sum(-1), chains, torch.tensor(1e8, dtype=torch.float64), 10, Noise(0, "hmc", 0))
    assert not transition.accepted.any()
    assert torch.isfinite(transition.chains.gradient).all()
    assert (transition.acceptance == 0).all()


def test_a_trajectory_that_ends_at_infinity_is_rejected():
    def density(z: Tensor) -> Tensor:
        return torch.where(z.sum(-1) > 0, torch.inf, -0.5 * (z**2).sum(-1))

    start = -numbers(50, 2).abs()
    transition = hmc(density, chains_at(density, start), torch.tensor(0.4, dtype=torch.float64), 4, Noise(0, "hmc", 0))
    assert transition.chains.log_density.isfinite().all()
    assert (transition.acceptance == 0).any()
    assert transition.accepted.any()


def test_warm_up_reaches_its_target_for_every_datapoint():
    """Ten scales from 0.02 to 5, each with its own step size: acceptance at the frozen steps within 0.08 of the target.

    Unequal dimensions and a short trajectory, where acceptance falls with the step size; of equal ones it comes and goes.
    """
    scale = torch.logspace(-1.7, 0.7, 10, dtype=torch.float64)
    shape = torch.tensor([1.0, 0.6, 0.3], dtype=torch.float64)

    def density(z: Tensor) -> Tensor:
        return -0.5 * ((z / shape) ** 2).sum(-1) / scale**2

    noise = RowNoise(0, "hmc", range(10))
    start = chains_at(density, torch.zeros(40, 10, 3, dtype=torch.float64))
    chains, step_size = warm_up(density, start, torch.full((10,), 0.1).double(), 3, noise, 300, target=0.8)
    acceptance = torch.zeros(10, dtype=torch.float64)
    for _ in range(50):
        transition = hmc(density, chains, step_size, 3, noise)
        chains = transition.chains
        acceptance += transition.acceptance.mean(0) / 50
    assert (acceptance - 0.8).abs().max() < 0.08
    ratio = step_size / scale
    assert ratio.max() / ratio.min() < 1.5


def test_what_a_datapoint_gets_does_not_depend_on_the_others():
    scale = torch.tensor([0.1, 1.0, 3.0], dtype=torch.float64)

    def result(rows: range) -> Tensor:
        def density(z: Tensor) -> Tensor:
            return -0.5 * (z**2).sum(-1) / scale[list(rows)] ** 2

        start = chains_at(density, torch.ones(4, len(rows), 2, dtype=torch.float64))
        step = torch.full((len(rows),), 0.1, dtype=torch.float64)
        return warm_up(density, start, step, 3, RowNoise(0, "hmc", rows), 20, 0.8)[0].position

    torch.testing.assert_close(result(range(3))[:, 2], result(range(2, 3))[:, 0], rtol=0, atol=1e-12)


def test_dual_averaging_is_the_papers_recursion():
    """Three updates by hand (Hoffman & Gelman 2014, eq. 6 with gamma 0.05, t0 10, kappa 0.75)."""
    state = DualAveraging.begin(torch.tensor(0.2, dtype=torch.float64))
    state = state.update(torch.tensor(0.5, dtype=torch.float64), 0.8).update(torch.tensor(0.9).double(), 0.8)
    h1 = 0.3 / 11
    x1 = math.log(2) - 20 * h1
    h2 = (1 - 1 / 12) * h1 - 0.1 / 12
    x2 = math.log(2) - math.sqrt(2) * 20 * h2
    weight = 2**-0.75
    assert state.step_size.item() == pytest.approx(math.exp(x2))
    average = weight * x2 + (1 - weight) * x1
    assert state.average.item() == pytest.approx(math.exp(average))
    state = state.update(torch.tensor(0.7).double(), 0.8)
    h3 = (1 - 1 / 13) * h2 + 0.1 / 13
    x3 = math.log(2) - math.sqrt(3) * 20 * h3
    weight = 3**-0.75
    assert state.step_size.item() == pytest.approx(math.exp(x3))
    assert state.average.item() == pytest.approx(math.exp(weight * x3 + (1 - weight) * average))


def test_the_authors_rule_holds_its_target():
    """Global, up or down after every trajectory: acceptance over the last 200 of 300 within 0.03 of 0.9."""
    chains, noise, step = chains_at(gaussian, numbers(200, 2)), Noise(0, "hmc", 0), torch.tensor(0.01).double()
    rates = []
    for _ in range(300):
        transition = hmc(gaussian, chains, step, 10, noise)
        chains, step = transition.chains, authors_rule(step, transition.accepted)
        rates.append(transition.accepted.double().mean().item())
    assert sum(rates[100:]) / 200 == pytest.approx(0.9, abs=0.03)
    assert authors_rule(torch.tensor(1.0), torch.tensor([True])).item() == pytest.approx(1.02)
    assert authors_rule(torch.tensor(1.0), torch.zeros(1000, dtype=torch.bool)).item() == pytest.approx(0.8)


def test_the_authors_rule_takes_its_target_as_reached():
    step, accepted = torch.tensor(0.1).double(), torch.arange(10) < 9
    assert authors_rule(step, accepted).item() == pytest.approx(0.1 * 1.02**10)
    assert authors_rule(step, torch.arange(10) < 8).item() == pytest.approx(0.1 / 1.02**10)


def test_the_authors_rule_takes_any_number_of_chains():
    """1.02^50,000 is larger than the largest float64."""
    assert authors_rule(torch.tensor(1.0), torch.ones(50_000, dtype=torch.bool)).item() == pytest.approx(1.25)
