r"""Hamiltonian Monte Carlo (Duane et al. 1987; Neal 2011) for any log-density, with many independent chains at once.

    H(z, v) = -log pi(z) + v'v / 2,   v ~ N(0, I)
    leapfrog:  v += eps/2 grad log pi(z);   z += eps v;   v += eps/2 grad log pi(z)
    accept with probability min(1, exp(H(z, v) - H(z', v')))

The leapfrog integrator is reversible and preserves volume, so the transition leaves pi invariant
for every step size that does not depend on the past of the chain. So the step size is adapted first
and then kept fixed (aevb.samplers.step_size); otherwise the estimates are biased.

The authors' code also draws the sign of the step of every chain. Since v and -v are equally likely,
this gives the same distribution and is left out. For k steps it computes k + 1 gradients;
`leapfrogs` counts gradients, as the paper does.

Axes: (..., J), where the leading axes are chains. With `RowNoise` the axis before the last is the
datapoint: (chains, M, J).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from aevb.noise import Noise

__all__ = [
    "BlockLogDensity",
    "Chains",
    "LogDensity",
    "LogDensityWithGradient",
    "Transition",
    "chains_at",
    "gradient_at",
    "hmc",
    "leapfrog",
]

LogDensity = Callable[[Tensor], Tensor]
"""z, (..., J), -> log pi(z) up to a constant, (...); differentiable, or a `LogDensityWithGradient`."""


class LogDensityWithGradient(ABC):
    """A log-density that computes its own gradient."""

    @abstractmethod
    def __call__(self, z: Tensor) -> Tensor:
        """Return log pi(z) up to a constant, (...), for z of shape (..., J)."""

    @abstractmethod
    def gradient(self, z: Tensor) -> Tensor:
        """Return the gradient of log pi at z, (..., J).

        Args:
            z: Positions, (..., J).
        """


class BlockLogDensity(LogDensityWithGradient):
    """A log-density over chains z, (N, J), that is computed block by block, so that a block fits the processor's cache.

    Args:
        densities: The log-density of each block of chains, in order.
        block_size: Number of chains of a block; the last block may be smaller.
    """

    def __init__(self, densities: list[LogDensity], block_size: int) -> None:
        self.densities, self.block_size = densities, block_size

    def __call__(self, z: Tensor) -> Tensor:
        """Return log pi(z) up to a constant, (N,)."""
        return torch.cat([density(part) for density, part in self._blocks(z)])

    def gradient(self, z: Tensor) -> Tensor:
        """Return the gradient of log pi at z, (N, J).

        Args:
            z: Positions, (N, J).
        """
        return torch.cat([gradient_at(density, part) for density, part in self._blocks(z)])

    def _blocks(self, z: Tensor) -> Iterator[tuple[LogDensity, Tensor]]:
        return zip(self.densities, z.split(self.block_size), strict=True)


class Chains(NamedTuple):
    """The state of the chains.

    Attributes:
        position: z, (..., J).
        log_density: log pi(z) up to a constant, (...).
        gradient: Gradient of log pi at z, (..., J).
    """

    position: Tensor
    log_density: Tensor
    gradient: Tensor


class Transition(NamedTuple):
    """The result of one trajectory.

    Attributes:
        chains: The state after the trajectory.
        acceptance: Acceptance probability of the proposal, (...).
        accepted: Whether the proposal was accepted, (...).
    """

    chains: Chains
    acceptance: Tensor
    accepted: Tensor


def chains_at(log_density: LogDensity, position: Tensor) -> Chains:
    """Return the state of chains at given positions.

    Args:
        log_density: log pi.
        position: z, (..., J).

    Returns:
        The positions with their log-densities and gradients.
    """
    if isinstance(log_density, LogDensityWithGradient):
        with torch.no_grad():
            return Chains(position.detach(), log_density(position), log_density.gradient(position))
    with torch.enable_grad():
        z = position.detach().requires_grad_()
        value = log_density(z)
        (gradient,) = torch.autograd.grad(value.sum(), z)
    return Chains(position.detach(), value.detach(), gradient)


def gradient_at(log_density: LogDensity, position: Tensor) -> Tensor:
    """Return the gradient of a log-density.

    Args:
        log_density: log pi.
        position: z, (..., J).

    Returns:
        The gradient at z, (..., J).
    """
    if isinstance(log_density, LogDensityWithGradient):
        with torch.no_grad():
            return log_density.gradient(position)
    return chains_at(log_density, position).gradient


def leapfrog(
    log_density: LogDensity, chains: Chains, velocity: Tensor, step_size: Tensor, steps: int
) -> tuple[Chains, Tensor]:
    """Integrate Hamilton's equations with the leapfrog method.

    Args:
        log_density: log pi.
        chains: The state of the chains.
        velocity: v, (..., J).
        step_size: eps, broadcasts to (...).
        steps: Number of leapfrog steps; each computes one gradient.

    Returns:
        The final state of the chains and the final velocities.
    """
    eps = step_size[..., None]
    velocity = velocity + 0.5 * eps * chains.gradient
    position = chains.position + eps * velocity
    for _ in range(1, steps):
        velocity = velocity + eps * gradient_at(log_density, position)
        position = position + eps * velocity
    chains = chains_at(log_density, position)
    return chains, velocity + 0.5 * eps * chains.gradient


def hmc(log_density: LogDensity, chains: Chains, step_size: Tensor, leapfrogs: int, noise: Noise) -> Transition:
    """Make one transition of every chain: a trajectory that is accepted or rejected.

    A trajectory that ends at nan or infinity is rejected.

    Args:
        log_density: log pi.
        chains: The state of the chains.
        step_size: eps, broadcasts to the chains (...): one for all, one for each datapoint, (M,),
            or one for each chain.
        leapfrogs: Number of leapfrog steps.
        noise: The random numbers.

    Returns:
        The new state and the acceptance.
    """
    shape, dtype = tuple(chains.position.shape), chains.position.dtype
    velocity = noise.normal(shape, dtype)
    proposal, final = leapfrog(log_density, chains, velocity, step_size, leapfrogs)
    energy = 0.5 * (velocity**2).sum(-1) - chains.log_density
    energy_after = 0.5 * (final**2).sum(-1) - proposal.log_density
    acceptance = torch.exp((energy - energy_after).clamp(max=0)).nan_to_num(nan=0) * energy_after.isfinite()
    accepted = noise.uniform((*shape[:-1], 1), dtype)[..., 0] < acceptance
    after = Chains(
        torch.where(accepted[..., None], proposal.position, chains.position),
        torch.where(accepted, proposal.log_density, chains.log_density),
        torch.where(accepted[..., None], proposal.gradient, chains.gradient),
    )
    return Transition(after, acceptance, accepted)
