"""Several minibatches at once on the device, with their binarisation and noise.

The host chooses the datapoints and sends their positions, a few kilobytes, once for all of these
minibatches; the order is that of a run on a CPU. The device gathers, binarises and draws the noise, in
a few kernels for all minibatches together. A CUDA graph may contain these kernels: they depend only on
`index` and `first_step`, which are overwritten in place.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from aevb.noise.device import DeviceNoise, Draws
from aevb.objectives.objective import Batch

__all__ = ["DeviceMinibatches"]


class DeviceMinibatches:
    """Successive minibatches in tensors that stay where they are.

    Args:
        x: Targets, (N, D), on the device.
        index: From the number t of a minibatch to the positions of its datapoints, (M,) int64.
        batch_size: Size of the global minibatch, M.
        count: Number of minibatches, K.
        seed: Seed of noise and binarisation.
        dynamic: Whether `x` are Bernoulli probabilities, to be binarised anew in every minibatch.
        rank: Number of this process.
        world: Number of processes that share a minibatch.

    Attributes:
        index: Positions of the datapoints of this rank, (K, M / world).
        first_step: Number t of the first minibatch, a scalar.
    """

    def __init__(
        self,
        x: Tensor,
        index: Callable[[int], np.ndarray],
        batch_size: int,
        count: int,
        seed: int,
        *,
        dynamic: bool = False,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.x, self.count, self.seed, self.dynamic, self.rank, self.world = x, count, seed, dynamic, rank, world
        self._global_index = index
        self.rows = batch_size // world
        self.index = torch.zeros(count, self.rows, dtype=torch.int64, device=x.device)
        self.first_step = torch.zeros((), dtype=torch.int64, device=x.device)

    def load(self, t: int) -> None:
        """Load the minibatches t, t + 1, ... into this buffer.

        Args:
            t: The number of the first minibatch.
        """
        own = slice(self.rank * self.rows, (self.rank + 1) * self.rows)
        self.index.copy_(torch.from_numpy(np.stack([self._global_index(t + k)[own] for k in range(self.count)])))
        self.first_step.fill_(t)

    def batches(self) -> list[Batch]:
        """Return the minibatches that are loaded, without a message between host and device."""
        share = {"rank": self.rank, "world": self.world}
        draws = Draws(self.seed, self.first_step, self.count)
        x = self.x.index_select(0, self.index.flatten()).view(self.count, self.rows, -1)
        if self.dynamic:
            noises = [DeviceNoise(draws, k, "binarisation", **share) for k in range(self.count)]
            u = torch.stack([noise.uniform(tuple(x.shape[1:]), x.dtype) for noise in noises])
            x = (u < x).to(x.dtype)
        noises = [DeviceNoise(draws, k, "noise", **share) for k in range(self.count)]
        whole = self.rows * self.world
        return [Batch(*parts, whole) for parts in zip(_apart(x), self.index.unbind(), noises, strict=True)]


def _apart(x: Tensor) -> list[Tensor]:
    # Minibatches, (K, M, D), each at a multiple of 256 bytes, as a tensor of its own is: a library chooses its kernel by the
    # address too, and the last bits of a minibatch may not depend on its place among those that are loaded together.
    size = x[0].numel()
    missing = -size % (256 // x.element_size())
    if missing:
        x = nn.functional.pad(x.flatten(1), (0, missing))[:, :size].unflatten(1, x.shape[1:])
    return list(x.unbind())
