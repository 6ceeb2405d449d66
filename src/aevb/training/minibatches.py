"""The endless stream of minibatches: minibatch t is a function of (seed, t).

permutation: positions [tM, (t+1)M) of an endless row of seeded permutations of the N training points; a minibatch may end one
and begin the next. replacement: M positions drawn uniformly (the authors' code). Either way nothing has to be
remembered but t, so a resumed run sees the minibatches it would have seen.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from aevb.noise import Noise, NoisePrefetch, philox
from aevb.objectives.objective import Batch
from aevb.training.device_minibatches import Prefetch

__all__ = ["Stream"]


class Stream(Iterator[Batch]):
    """Minibatches of M rows of x; rank r of W gets rows [r M/W, (r+1) M/W) of each, with the noise they have in the whole.

    x: (N, D) targets, or Bernoulli probabilities if `dynamic`. batch_size: M, a multiple of W. seed: of order, noise and
    binarisation. rank, world: r, W. position: t, minibatches given so far; set it to start elsewhere. ahead: how many minibatches
    the device prepares at once, with random numbers of its own (aevb.noise.device); 0: one at a time, by the host.
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
        self.position = 0
        self._permutations: dict[int, np.ndarray] = {}
        self._prepared: dict[int, Batch] = {}
        self._foresight = {purpose: NoisePrefetch(seed, purpose) for purpose in ("noise", "binarisation")}

    def __next__(self) -> Batch:
        t, self.position = self.position, self.position + 1
        if self.ahead:
            return self._prepare(t)
        rows = self.batch_size // self.world
        index = torch.from_numpy(self.index(t)[self.rank * rows : (self.rank + 1) * rows]).to(self.x.device)
        x = self.x.index_select(0, index)
        if self.dynamic:
            x = (self._noise("binarisation", t).uniform(tuple(x.shape), x.dtype) < x).to(x.dtype)
        return Batch(x, index, self._noise("noise", t))

    def _prepare(self, t: int) -> Batch:
        # A minibatch is given once: its noise goes on where the last request of it ended.
        if t not in self._prepared:
            prefetch = Prefetch(self, self.ahead)
            prefetch.load(t)
            self._prepared = dict(enumerate(prefetch.batches(), start=t))
        return self._prepared.pop(t)

    def _noise(self, purpose: str, t: int) -> Noise:
        share = {"rank": self.rank, "world": self.world}
        return Noise(self.seed, purpose, t, **share, device=self.x.device, foresight=self._foresight[purpose])

    def index(self, t: int) -> np.ndarray:
        """Positions in the training set of the whole minibatch t, (M,) int64."""
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

    def _permutation(self, epoch: int) -> np.ndarray:
        if epoch not in self._permutations:
            self._permutations = {e: p for e, p in self._permutations.items() if e >= epoch - 1}
            self._permutations[epoch] = philox(self.seed, "order", epoch).permutation(len(self.x))
        return self._permutations[epoch]
