"""Several devices: every rank holds the whole model and takes its rows of each minibatch; gradients are averaged.

Ranks start with the same parameters and take the same steps, so they stay equal to the bit. The model is not
wrapped in DistributedDataParallel, which expects one forward and one backward pass per step, while an objective
may have several. At each update the ranks exchange one vector: the gradients, the scalars, and whether a rank
was asked to stop.
"""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

import torch
import torch.distributed as dist
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor, nn

__all__ = ["ALONE", "Ranks", "UnwrappedDDP", "average", "share_buffers"]

# Longer than any time for which one rank makes the others wait (pictures and a checkpoint on a slow disk), and much
# shorter than the half hour that is gloo's default.
TIMEOUT = timedelta(minutes=5)


class Ranks(NamedTuple):
    """Which of the processes of a run this is.

    Attributes:
        rank: Number of this process, from 0.
        world: Number of processes.
        local: Number of processes on this machine.
    """

    rank: int = 0
    world: int = 1
    local: int = 1

    @staticmethod
    def of_torchrun() -> "Ranks":
        """Return what torchrun or aevb.execution.local_ranks wrote into the environment; otherwise a single process."""
        if "TORCHELASTIC_RUN_ID" not in os.environ:
            return ALONE
        return Ranks(*(int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")))

    @property
    def first(self) -> bool:
        """True on rank 0, the only rank that writes files and prints."""
        return self.rank == 0


ALONE = Ranks()


class UnwrappedDDP(DDPStrategy):
    """Lightning's DDP strategy without the wrapper: the model is broadcast from rank 0 at the start."""

    def __init__(self) -> None:
        super().__init__(timeout=TIMEOUT)

    def configure_ddp(self) -> None:
        """Copy parameters and buffers of rank 0 to every rank."""
        assert self.model is not None
        for tensor in self.model.state_dict().values():
            dist.broadcast(tensor, 0)


@torch.no_grad()
def average(
    gradients: list[Tensor], stats: Mapping[str, Tensor], vote: bool, world: int
) -> tuple[dict[str, Tensor], Tensor]:
    """Average gradients and scalars over all ranks and count votes, in one exchange.

    Args:
        gradients: Gradients of this rank; replaced by the means, in place.
        stats: Scalars of this rank by name.
        vote: Whether this rank votes to stop.
        world: Number of ranks.

    Returns:
        The means of the scalars, and the number of votes, a scalar on the device.
    """
    like = gradients[0]
    numbers = [value.reshape(1).to(like) for value in stats.values()]
    parts = [*(gradient.reshape(-1) for gradient in gradients), *numbers, like.new_full((1,), float(vote))]
    flat = torch.cat(parts)
    dist.all_reduce(flat)
    *parts, votes = flat.split([part.numel() for part in parts])
    torch._foreach_div_(parts, world)
    mean_gradients, means = parts[: len(gradients)], parts[len(gradients) :]
    torch._foreach_copy_(gradients, [mean.view_as(old) for mean, old in zip(mean_gradients, gradients, strict=True)])
    return dict(zip(stats, (mean.squeeze(0) for mean in means), strict=True)), votes.squeeze(0)


def share_buffers(model: nn.Module) -> None:
    """Give every rank the buffers of rank 0: in training, batch normalisation has running means of the rank's own rows.

    Args:
        model: The model, changed in place.
    """
    if dist.is_available() and dist.is_initialized():
        for buffer in model.buffers():
            dist.broadcast(buffer, 0)
