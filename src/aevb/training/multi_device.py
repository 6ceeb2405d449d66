"""Several devices: every rank holds the whole model and takes its rows of each minibatch; gradients are averaged.

Ranks start equal and take equal steps, so they stay equal to the bit. DistributedDataParallel is not wrapped around the
model: it counts on one forward and one backward a step, an objective may have several. What leaves a rank at an update is one
vector, which is also how the ranks hear of each other that one of them was told to stop.
"""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

import torch
import torch.distributed as dist
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor

__all__ = ["ALONE", "Ranks", "UnwrappedDDP", "average"]

# Longer than any pause that one rank makes while the others wait (pictures and a checkpoint on a slow disk), and shorter
# than gloo's half hour, after which nobody is still looking.
TIMEOUT = timedelta(minutes=5)


class Ranks(NamedTuple):
    """Where this process stands: `rank` of `world`, of which `local` are on this machine."""

    rank: int = 0
    world: int = 1
    local: int = 1

    @staticmethod
    def of_torchrun() -> "Ranks":
        """As torchrun or aevb.execution.local_ranks has put it into the environment; a process that neither started is alone."""
        if "TORCHELASTIC_RUN_ID" not in os.environ:
            return ALONE
        return Ranks(*(int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")))

    @property
    def first(self) -> bool:
        """The rank that writes and speaks for all."""
        return self.rank == 0


ALONE = Ranks()


class UnwrappedDDP(DDPStrategy):
    """Lightning's, with the model broadcast from rank 0 at the start and not wrapped."""

    def __init__(self) -> None:
        super().__init__(timeout=TIMEOUT)

    def configure_ddp(self) -> None:
        """Parameters and buffers of every rank become those of rank 0."""
        assert self.model is not None
        for tensor in self.model.state_dict().values():
            dist.broadcast(tensor, 0)


@torch.no_grad()
def average(
    gradients: list[Tensor], stats: Mapping[str, Tensor], vote: bool, world: int
) -> tuple[dict[str, Tensor], Tensor]:
    """Means over ranks: of `gradients`, in place, and of `stats`; and how many ranks `vote` (a scalar), all in one exchange."""
    like = gradients[0]
    numbers = [value.reshape(1).to(like) for value in stats.values()]
    parts = [*(gradient.reshape(-1) for gradient in gradients), *numbers, like.new_full((1,), float(vote))]
    flat = torch.cat(parts)
    dist.all_reduce(flat)
    *parts, votes = flat.split([part.numel() for part in parts])
    torch._foreach_div_(parts, world)
    means = parts[len(gradients) :]
    torch._foreach_copy_(gradients, [part.view_as(old) for part, old in zip(parts, gradients, strict=False)])
    return dict(zip(stats, (mean.squeeze(0) for mean in means), strict=True)), votes.squeeze(0)
