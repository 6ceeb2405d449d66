"""torch's global generator, from which networks and objectives of a user's own may draw: dropout, default initial weights.

aevb itself draws from aevb.noise only. For what others draw, a run begins with a state that its seed determines
(aevb.training.assembly), keeps the state in its checkpoints, and does not lose it to an evaluation.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

__all__ = ["generator_states", "restore_generators", "undisturbed_generators"]


def generator_states(device: torch.device) -> list[Tensor]:
    """Return the states of the generator of the host and, if there is one, of that of a GPU.

    Args:
        device: Where the run is trained.
    """
    on_gpu = [torch.cuda.get_rng_state(device)] if device.type == "cuda" and torch.cuda.is_initialized() else []
    return [torch.get_rng_state(), *on_gpu]


def restore_generators(states: list[Tensor], device: torch.device) -> None:
    """Restore what `generator_states` returned.

    Args:
        states: The states, of which a run that moved between a GPU and a CPU has one for the host only.
        device: Where the run is trained.
    """
    torch.set_rng_state(states[0].cpu())
    if device.type == "cuda" and len(states) > 1:
        torch.cuda.set_rng_state(states[1].cpu(), device)


@contextmanager
def undisturbed_generators(device: torch.device) -> Iterator[None]:
    """Give the generators the states back that they had before.

    Args:
        device: Where the run is trained.
    """
    states = generator_states(device)
    try:
        yield
    finally:
        restore_generators(states, device)
