r"""The step size of Hamiltonian Monte Carlo: dual averaging, and the rule of the authors' code.

Dual averaging (Hoffman & Gelman 2014, section 3.2) drives the mean acceptance probability to a
target delta,

    H_m = (1 - 1/(m + 10)) H_{m-1} + (delta - alpha_m) / (m + 10)
    log eps_{m+1} = log(10 eps_1) - sqrt(m) / 0.05 H_m,   log eps' <- m^-0.75 log eps_{m+1} + (1 - m^-0.75) log eps'

and then keeps the average eps' fixed. The authors' rule never stops adapting, so that it does not
leave the distribution invariant; Monte Carlo EM uses it nevertheless, as in the paper.

Both are functions of tensors. The owner of the chains keeps the state and can save it in a
checkpoint.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from aevb.noise import Noise
from aevb.samplers.hmc import Chains, LogDensity, hmc

__all__ = ["DualAveraging", "authors_rule", "warm_up"]

T0, GAMMA, KAPPA = 10, 0.05, 0.75
"""The constants 10, 0.05 and 0.75 above, as in Hoffman & Gelman 2014."""
FACTOR, LARGEST_FACTOR = 1.02, 1.25
"""Constants of the authors' rule."""


class DualAveraging(NamedTuple):
    """The state of dual averaging; all tensors have the shape of the step size.

    Attributes:
        step_size: eps_{m+1}, for the next trajectory.
        average: eps', the step size to keep after the adaptation.
        error: H_m.
        anchor: 10 eps_1.
        trajectories: m, number of trajectories so far.
    """

    step_size: Tensor
    average: Tensor
    error: Tensor
    anchor: Tensor
    trajectories: int

    @classmethod
    def begin(cls, step_size: Tensor) -> "DualAveraging":
        """Return the state before the first trajectory.

        Args:
            step_size: eps_1, any shape.

        Returns:
            The initial state.
        """
        return cls(step_size, step_size, torch.zeros_like(step_size), 10 * step_size, 0)

    def update(self, acceptance: Tensor, target: float) -> "DualAveraging":
        """Return the state after a trajectory.

        Args:
            acceptance: alpha_m, the mean acceptance probability of the chains that share a step
                size, of its shape.
            target: delta, the acceptance probability to reach.

        Returns:
            The new state.
        """
        m = self.trajectories + 1
        error = (1 - 1 / (m + T0)) * self.error + (target - acceptance) / (m + T0)
        log_step = self.anchor.log() - m**0.5 / GAMMA * error
        weight = m**-KAPPA
        log_average = weight * log_step + (1 - weight) * self.average.log()
        return DualAveraging(log_step.exp(), log_average.exp(), error, self.anchor, m)


def authors_rule(step_size: Tensor, accepted: Tensor, target: float = 0.9) -> Tensor:
    """Adapt one step size for all chains by the rule of the authors' code (hmc_step_autotune).

    The step size is multiplied by min(1.25, 1.02^min(100, chains)) if the fraction of accepted
    trajectories is at least `target`, and divided by it otherwise.

    Args:
        step_size: eps, a scalar.
        accepted: Whether each chain's trajectory was accepted, (...).
        target: The acceptance rate to reach.

    Returns:
        The new step size, a scalar.
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
    """Run trajectories that adapt one step size for each datapoint by dual averaging.

    The result for a datapoint does not depend on the other datapoints.

    Args:
        log_density: log pi.
        chains: The state of C chains for each of M datapoints, (C, M, J).
        step_size: Initial step sizes, (M,).
        leapfrogs: Number of leapfrog steps of a trajectory.
        noise: The random numbers.
        trajectories: Number of trajectories.
        target: The acceptance probability to reach.

    Returns:
        The chains after the trajectories, and the step sizes to keep, (M,).
    """
    adaptation = DualAveraging.begin(step_size)
    for _ in range(trajectories):
        transition = hmc(log_density, chains, adaptation.step_size, leapfrogs, noise)
        chains = transition.chains
        adaptation = adaptation.update(transition.acceptance.mean(0), target)
    return chains, adaptation.average
