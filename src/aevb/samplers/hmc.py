r"""Hamiltonian Monte Carlo (Duane et al. 1987; Neal 2011) on any log-density, many independent chains at once.

    H(z, v) = -log pi(z) + v'v / 2,   v ~ N(0, I)
    leapfrog:  v += eps/2 grad log pi(z);   z += eps v;   v += eps/2 grad log pi(z)
    accept with probability min(1, exp(H(z, v) - H(z', v')))

Leapfrog is reversible and preserves volume, so the transition leaves pi invariant for every step size that does not depend on the
chain's own past: adapt, then freeze (aevb.samplers.step_size), or let the estimate suffer.

The authors' code draws the sign of every chain's step too. As v and -v are equally likely that gives the same law, so it is left
out; and where it is asked for k steps it makes k + 1, where `leapfrogs` counts gradients as the paper does.

Axes: (..., J), the leading ones chains; with `RowNoise` the last but one is the datapoint, (chains, M, J).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from aevb.noise import Noise

__all__ = [
    "Chains",
    "InBlocks",
    "LogDensity",
    "Transition",
    "WithGradient",
    "chains_at",
    "gradient_at",
    "hmc",
    "leapfrog",
]

LogDensity = Callable[[Tensor], Tensor]
"""z (..., J) -> log pi(z) up to a constant, (...); differentiable, or `WithGradient`."""


class WithGradient(ABC):
    """A log-density that gives its gradient itself."""

    @abstractmethod
    def __call__(self, z: Tensor) -> Tensor:
        """z (..., J) -> log pi(z) up to a constant, (...)."""

    @abstractmethod
    def gradient(self, z: Tensor) -> Tensor:
        """Of log pi at z, (..., J)."""


class InBlocks(WithGradient):
    """Chains z (N, J) of which each block of `rows` has a log-density of its own: so many are computed at once.

    densities: of the blocks, in order.
    """

    def __init__(self, densities: list[LogDensity], rows: int) -> None:
        self.densities, self.rows = densities, rows

    def __call__(self, z: Tensor) -> Tensor:
        """(N,)."""
        return torch.cat([density(part) for density, part in self._blocks(z)])

    def gradient(self, z: Tensor) -> Tensor:
        """(N, J)."""
        return torch.cat([gradient_at(density, part) for density, part in self._blocks(z)])

    def _blocks(self, z: Tensor) -> Iterator[tuple[LogDensity, Tensor]]:
        return zip(self.densities, z.split(self.rows), strict=True)


class Chains(NamedTuple):
    """What the next transition needs. position: (..., J). log_density: (...). gradient: of it at the position, (..., J)."""

    position: Tensor
    log_density: Tensor
    gradient: Tensor


class Transition(NamedTuple):
    """chains: after it. acceptance: probability of the proposal, (...). accepted: whether it was taken, (...)."""

    chains: Chains
    acceptance: Tensor
    accepted: Tensor


def chains_at(log_density: LogDensity, position: Tensor) -> Chains:
    """Chains that stand at `position` (..., J)."""
    if isinstance(log_density, WithGradient):
        with torch.no_grad():
            return Chains(position.detach(), log_density(position), log_density.gradient(position))
    with torch.enable_grad():
        z = position.detach().requires_grad_()
        value = log_density(z)
        (gradient,) = torch.autograd.grad(value.sum(), z)
    return Chains(position.detach(), value.detach(), gradient)


def gradient_at(log_density: LogDensity, position: Tensor) -> Tensor:
    """Of the log-density at `position` (..., J), where its value is not asked for."""
    if isinstance(log_density, WithGradient):
        with torch.no_grad():
            return log_density.gradient(position)
    return chains_at(log_density, position).gradient


def leapfrog(
    log_density: LogDensity, chains: Chains, velocity: Tensor, step_size: Tensor, steps: int
) -> tuple[Chains, Tensor]:
    """Positions and velocities after `steps` leapfrog steps, one gradient each. step_size: eps, broadcasts to (...)."""
    eps = step_size[..., None]
    velocity = velocity + 0.5 * eps * chains.gradient
    position = chains.position + eps * velocity
    for _ in range(1, steps):
        velocity = velocity + eps * gradient_at(log_density, position)
        position = position + eps * velocity
    chains = chains_at(log_density, position)
    return chains, velocity + 0.5 * eps * chains.gradient


def hmc(log_density: LogDensity, chains: Chains, step_size: Tensor, leapfrogs: int, noise: Noise) -> Transition:
    """One trajectory of every chain, accepted or not.

    step_size: eps, broadcasts to the chains (...): one for all, one a datapoint (M,), one a chain. A trajectory that leaves the
    numbers there are (nan, infinities) is rejected.
    """
    shape, dtype = tuple(chains.position.shape), chains.position.dtype
    velocity = noise.normal(shape, dtype)
    proposal, final = leapfrog(log_density, chains, velocity, step_size, leapfrogs)
    energy = 0.5 * (velocity**2).sum(-1) - chains.log_density
    energy_after = 0.5 * (final**2).sum(-1) - proposal.log_density
    acceptance = torch.exp((energy - energy_after).clamp(max=0)).nan_to_num(nan=0)
    accepted = noise.uniform((*shape[:-1], 1), dtype)[..., 0] < acceptance
    after = Chains(
        torch.where(accepted[..., None], proposal.position, chains.position),
        torch.where(accepted, proposal.log_density, chains.log_density),
        torch.where(accepted[..., None], proposal.gradient, chains.gradient),
    )
    return Transition(after, acceptance, accepted)
