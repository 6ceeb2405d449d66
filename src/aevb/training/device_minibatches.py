"""Several minibatches of a stream at once, with everything that is random about them, in tensors that stay where they are.

Which datapoints they have is the host's business, a few kilobytes that go to the device once for all of them: the order is that
of a run on a CPU, for every way of sampling. Gathering, binarisation and noise are the device's, a few kernels for all of them
together, and a captured graph may contain them: they depend on `index` and `first` alone, which are overwritten in place.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch

from aevb.noise.device import DeviceNoise, Draws
from aevb.objectives.objective import Batch

if TYPE_CHECKING:
    from aevb.training.minibatches import Stream

__all__ = ["Prefetch"]


class Prefetch:
    """`count` minibatches of `stream`, on the device where its data are.

    index: (count, M) positions in the training set, of this rank's rows. first: t of the first of them.
    """

    def __init__(self, stream: "Stream", count: int) -> None:
        self.stream, self.count = stream, count
        self.rows = stream.batch_size // stream.world
        self.index = torch.zeros(count, self.rows, dtype=torch.int64, device=stream.x.device)
        self.first = torch.zeros((), dtype=torch.int64, device=stream.x.device)

    def load(self, t: int) -> None:
        """From now on they are minibatches t, t + 1, ..."""
        own = slice(self.stream.rank * self.rows, (self.stream.rank + 1) * self.rows)
        self.index.copy_(torch.from_numpy(np.stack([self.stream.index(t + k)[own] for k in range(self.count)])))
        self.first.fill_(t)

    def batches(self) -> list[Batch]:
        """The minibatches that are loaded; nothing here asks the host."""
        stream = self.stream
        share = {"rank": stream.rank, "world": stream.world}
        draws = Draws(stream.seed, self.first, self.count)
        x = stream.x.index_select(0, self.index.flatten()).view(self.count, self.rows, -1)
        if stream.dynamic:
            chances = [DeviceNoise(draws, k, "binarisation", **share) for k in range(self.count)]
            u = torch.stack([chance.uniform(tuple(x.shape[1:]), x.dtype) for chance in chances])
            x = (u < x).to(x.dtype)
        noises = [DeviceNoise(draws, k, "noise", **share) for k in range(self.count)]
        return [Batch(*parts) for parts in zip(x.unbind(), self.index.unbind(), noises, strict=True)]
