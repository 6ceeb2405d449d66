r"""Stepsizes of Hamiltonian Monte Carlo: dual averaging, and the authors' rule.

Dual averaging (Hoffman & Gelman 2014, section 3.2) drives the mean acceptance probability to a target delta,

    H_m = (1 - 1/(m + 10)) H_{m-1} + (delta - alpha_m) / (m + 10)
    log eps_{m+1} = log(10 eps_1) - sqrt(m) / 0.05 H_m,   log eps' <- m^-0.75 log eps_{m+1} + (1 - m^-0.75) log eps'

and then stops at the average eps': adapt, then freeze. A step size that goes on following the chain does not leave the
distribution invariant, which is what the authors' rule does; Monte Carlo EM after the paper uses it nevertheless.

Both are functions of tensors: whoever owns the chains keeps the state, and can checkpoint it.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from aevb.noise import Noise
from aevb.samplers.hmc import Chains, LogDensity, hmc

__all__ = ["DualAveraging", "authors_rule", "warm_up"]

T0, GAMMA, KAPPA = 10, 0.05, 0.75
FACTOR = 1.02
LARGEST_FACTOR = 1.25


class DualAveraging(NamedTuple):
    """State of the adaptation, one for every step size.

    step_size: for the next trajectory. average: to stop at. error: H_m. anchor: 10 eps_1. trajectories: m, so far.
    """

    step_size: Tensor
    average: Tensor
    error: Tensor
    anchor: Tensor
    trajectories: int

    @classmethod
    def begin(cls, step_size: Tensor) -> "DualAveraging":
        """Before the first trajectory, made with `step_size`."""
        return cls(step_size, step_size, torch.zeros_like(step_size), 10 * step_size, 0)

    def update(self, acceptance: Tensor, target: float) -> "DualAveraging":
        """After a trajectory. acceptance: mean probability of the chains that share a step size, of its shape."""
        m = self.trajectories + 1
        error = (1 - 1 / (m + T0)) * self.error + (target - acceptance) / (m + T0)
        log_step = self.anchor.log() - m**0.5 / GAMMA * error
        weight = m**-KAPPA
        log_average = weight * log_step + (1 - weight) * self.average.log()
        return DualAveraging(log_step.exp(), log_average.exp(), error, self.anchor, m)


def authors_rule(step_size: Tensor, accepted: Tensor, target: float = 0.9) -> Tensor:
    """One step size for all chains, longer after a trajectory of which `target` were accepted, shorter after another.

    The factor is min(1.25, 1.02^min(100, chains)), as in the authors' code (hmc_step_autotune). accepted: (...) of all chains.
    """
    factor = min(LARGEST_FACTOR, FACTOR ** min(100, accepted.numel()))
    return step_size * factor if accepted.double().mean() >= target else step_size / factor


def warm_up(
    log_density: LogDensity,
    chains: Chains,
    step_size: Tensor,
    leapfrogs: int,
    noise: Noise,
    trajectories: int,
    target: float,
) -> tuple[Chains, Tensor]:
    """Chains after `trajectories` that adapt one step size a datapoint to `target`, and the step sizes to freeze, (M,).

    chains: (C, M, J). step_size: to begin with, (M,). What happens to a datapoint depends on no other.
    """
    adaptation = DualAveraging.begin(step_size)
    for _ in range(trajectories):
        transition = hmc(log_density, chains, adaptation.step_size, leapfrogs, noise)
        chains = transition.chains
        adaptation = adaptation.update(transition.acceptance.mean(0), target)
    return chains, adaptation.average
