"""The endless stream of minibatches: minibatch t is a function of the seed and t.

permutation: minibatch t holds positions [tM, (t+1)M) of an endless sequence of seeded permutations of
the N training points; it may contain the end of one and the beginning of the next. replacement: M
positions drawn uniformly, as in the authors' code. In both cases the state is t alone, so a resumed run
sees the minibatches that an uninterrupted one would have seen.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from aevb.noise import Noise, NoisePrefetch, philox
from aevb.objectives.objective import Batch
from aevb.training.device_minibatches import DeviceMinibatches

__all__ = ["Stream"]


class Stream(Iterator[Batch]):
    """An endless iterator over minibatches.

    With W processes, rank r gets rows [r M/W, (r+1) M/W) of each minibatch, with the noise that these
    rows have in a single process.

    Args:
        x: Targets, (N, D); Bernoulli probabilities if `dynamic`.
        batch_size: Size of the global minibatch, M, a multiple of W.
        seed: Seed of order, noise and binarisation.
        sampling: How datapoints are chosen, see above.
        dynamic: Whether targets are binarised anew in every minibatch.
        rank: Number of this process, r.
        world: Number of processes that share a minibatch, W.

    Attributes:
        position: Number t of the next minibatch; may be set.
        ahead: Number of minibatches that the device prepares at once, with random numbers made there
            (aevb.noise.device). 0: each is prepared by itself, with random numbers of the host.
        counted: `Batch.counted` of every minibatch; may be set.
    """

    ahead: int = 0

    def __init__(
        self,
        x: Tensor,
        batch_size: int,
        seed: int,
        *,
        sampling: Literal["permutation", "replacement"] = "permutation",
        dynamic: bool = False,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.x, self.batch_size, self.seed, self.sampling, self.dynamic = x, batch_size, seed, sampling, dynamic
        self.rank, self.world = rank, world
        self.position, self.counted = 0, batch_size
        self._permutations: dict[int, np.ndarray] = {}
        self._prepared: dict[int, Batch] = {}
        self._prefetch = {purpose: NoisePrefetch(seed, purpose) for purpose in ("noise", "binarisation")}

    def __next__(self) -> Batch:
        t, self.position = self.position, self.position + 1
        if self.ahead:
            return self._prepare(t)
        rows = self.batch_size // self.world
        index = torch.from_numpy(self.index(t)[self.rank * rows : (self.rank + 1) * rows]).to(self.x.device)
        x = self.x.index_select(0, index)
        if self.dynamic:
            x = (self._noise("binarisation", t).uniform(tuple(x.shape), x.dtype) < x).to(x.dtype)
        return Batch(x, index, self._noise("noise", t), self.counted)

    def on_device(self, count: int) -> DeviceMinibatches:
        """Return a buffer for minibatches of this stream, on the device of `x`.

        Args:
            count: The number of minibatches.
        """
        share = {"rank": self.rank, "world": self.world}
        return DeviceMinibatches(self.x, self.index, self.batch_size, count, self.seed, dynamic=self.dynamic, **share)

    def index(self, t: int) -> np.ndarray:
        """Return the datapoints of a global minibatch.

        Args:
            t: Number of the minibatch.

        Returns:
            Positions in the training set, (M,) int64.
        """
        n, m = self.x.shape[0], self.batch_size  # len(Tensor) goes through Python
        if self.sampling == "replacement":
            return philox(self.seed, "order", t).integers(n, size=m)
        epoch, start = divmod(t * m, n)
        if start + m <= n:
            return self._permutation(epoch)[start : start + m]
        parts, left = [], m
        while left:
            parts.append(self._permutation(epoch)[start : start + left])
            epoch, start, left = epoch + 1, 0, left - len(parts[-1])
        return np.concatenate(parts)

    def _prepare(self, t: int) -> Batch:
        # Each minibatch is handed out once: its noise continues where the last request ended.
        if t not in self._prepared:
            minibatches = self.on_device(self.ahead)
            minibatches.load(t)
            ready = (Batch(*batch, self.counted) for batch in minibatches.batches())
            self._prepared = dict(enumerate(ready, start=t))
        return self._prepared.pop(t)

    def _noise(self, purpose: str, t: int) -> Noise:
        share = {"rank": self.rank, "world": self.world}
        return Noise(self.seed, purpose, t, **share, device=self.x.device, prefetch=self._prefetch[purpose])

    def _permutation(self, epoch: int) -> np.ndarray:
        if epoch not in self._permutations:
            self._permutations = {e: p for e, p in self._permutations.items() if e >= epoch - 1}
            self._permutations[epoch] = philox(self.seed, "order", epoch).permutation(len(self.x))
        return self._permutations[epoch]
