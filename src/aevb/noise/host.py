"""Stateless random numbers: the noise of minibatch t is a function of (seed, purpose, t) and of nothing else.

Philox is counter-based (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): its key is
(seed, purpose), its counter starts at t. So a resumed run draws what the uninterrupted one would have
drawn, an evaluation does not disturb training, and several devices compute what one would: the numbers
are drawn for the whole minibatch and each rank takes its own rows.
"""

import math
import zlib
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from aevb.noise.first_draws import FirstDraws

__all__ = ["Noise", "NoisePrefetch", "RowNoise", "philox"]

_NUMPY: dict[torch.dtype, Any] = {torch.float32: np.float32, torch.float64: np.float64}


def philox(seed: int, purpose: str, step: int) -> np.random.Generator:
    """Return a generator whose stream overlaps with no other.

    Args:
        seed: First half of the key.
        purpose: Text whose CRC-32 is the second half of the key.
        step: The counter starts at step x 2^192.

    Returns:
        A numpy generator.
    """
    return _generator(_key(seed, purpose), step)


def _key(seed: int, purpose: str) -> np.ndarray:
    return np.array([seed, zlib.crc32(purpose.encode())], dtype=np.uint64)


class _NoEntropy(np.random.bit_generator.ISeedSequence):
    """The seed of a generator whose state is set at once: numpy would ask the system for entropy, and throw it away."""

    _NONE = np.zeros(2, np.uint64)

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> np.ndarray:
        return self._NONE


_NO_ENTROPY, _EMPTY = _NoEntropy(), np.zeros(4, np.uint64)


def _generator(key: np.ndarray, step: int) -> np.random.Generator:
    # As Philox(key=key, counter=[0, 0, 0, step]), in half the time: an evaluation makes one for every image.
    bits = np.random.Philox(cast(np.random.SeedSequence, _NO_ENTROPY))
    bits.state = {
        "bit_generator": "Philox",
        "state": {"counter": np.array([0, 0, 0, step], dtype=np.uint64), "key": key},
        "buffer": _EMPTY,
        "buffer_pos": 4,
        "has_uint32": 0,
        "uinteger": 0,
    }
    return np.random.Generator(bits)


def _draw(generator: np.random.Generator, request: tuple[Any, ...]) -> np.ndarray:
    method, shape, dtype = request
    return getattr(generator, method)(shape, dtype=dtype)


class NoisePrefetch:
    """Draws the first request of several coming minibatches at once.

    It does so when two minibatches in a row have made the same request. Drawing a few thousand numbers
    takes less time than loading the generator's code and tables into the processor's cache again, which
    every minibatch has to do after a step that went through megabytes. The numbers are those that each
    minibatch would draw by itself.

    Args:
        seed: Seed of the run.
        purpose: What the numbers are for.
    """

    AHEAD = 50
    """Minibatches that are drawn at once, at most."""
    NUMBERS = 2**17
    """Numbers that are drawn at once, at most, so that they stay in the cache."""

    def __init__(self, seed: int, purpose: str) -> None:
        self.seed, self.purpose = seed, purpose
        self._request: tuple[Any, ...] = ()
        self._drawn: dict[int, tuple[np.ndarray, np.random.Generator]] = {}

    def __call__(self, step: int, request: tuple[Any, ...]) -> tuple[np.ndarray, np.random.Generator]:
        """Answer the first request of a minibatch.

        Args:
            step: Number of the minibatch.
            request: Method of the generator, shape and type of the numbers.

        Returns:
            The numbers, and the generator for further requests.
        """
        if request != self._request or step not in self._drawn:
            most = self.NUMBERS // max(1, math.prod(request[1]))
            count = min(self.AHEAD, max(1, most)) if request == self._request else 1
            generators = {t: philox(self.seed, self.purpose, t) for t in range(step, step + count)}
            self._drawn = {t: (_draw(generator, request), generator) for t, generator in generators.items()}
            self._request = request
        return self._drawn.pop(step)


class Noise:
    """Random numbers of one minibatch; successive calls continue the same stream.

    This process holds rows [rank * M, (rank + 1) * M) of a global minibatch of world * M rows.

    Args:
        seed: Seed of the run.
        purpose: What the numbers are for; another purpose gives other numbers.
        step: Number of the minibatch.
        rank: Number of this process.
        world: Number of processes that share the minibatch.
        device: Where the numbers are put; None: the CPU.
        prefetch: Draws for several minibatches at once; with the same seed and purpose.
    """

    def __init__(
        self,
        seed: int,
        purpose: str,
        step: int,
        *,
        rank: int = 0,
        world: int = 1,
        device: torch.device | None = None,
        prefetch: NoisePrefetch | None = None,
    ) -> None:
        self.seed, self.purpose, self.step = seed, purpose, step
        self.rank, self.world, self.device = rank, world, device
        self._prefetch = prefetch
        self._generator: np.random.Generator | None = None

    def normal(self, shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> Tensor:
        """Draw from N(0, 1).

        Args:
            shape: (..., M, J), where M are the rows of this process.
            dtype: Type of the numbers.

        Returns:
            A tensor of that shape.
        """
        return self._rows(self._drawn(("standard_normal", self._whole(shape), _NUMPY[dtype])))

    def uniform(self, shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> Tensor:
        """Draw uniform numbers in [0, 1).

        Args:
            shape: (..., M, J), where M are the rows of this process.
            dtype: Type of the numbers.

        Returns:
            A tensor of that shape.
        """
        return self._rows(self._drawn(("random", self._whole(shape), _NUMPY[dtype])))

    def of_all(self, purpose: str) -> "Noise":
        """Return noise of the same minibatch that is the same on all ranks.

        Args:
            purpose: What the numbers are for; not that of this noise.

        Returns:
            Noise whose shapes have no rows that ranks would share.
        """
        return Noise(self.seed, purpose, self.step, device=self.device)

    def _drawn(self, request: tuple[Any, ...]) -> np.ndarray:
        if self._generator is None and self._prefetch is not None:
            numbers, self._generator = self._prefetch(self.step, request)
            return numbers
        if self._generator is None:
            self._generator = philox(self.seed, self.purpose, self.step)
        return _draw(self._generator, request)

    def _whole(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*shape[:-2], shape[-2] * self.world, shape[-1])

    def _rows(self, array: np.ndarray) -> Tensor:
        numbers = self._own(torch.from_numpy(array))
        return numbers if self.device is None else numbers.to(self.device)

    def _own(self, numbers: Tensor) -> Tensor:
        if self.world > 1:
            rows = numbers.shape[-2] // self.world
            numbers = numbers[..., self.rank * rows : (self.rank + 1) * rows, :].contiguous()
        return numbers


class RowNoise(Noise):
    """Random numbers of an evaluation: every datapoint has a stream of its own.

    The numbers of a datapoint do not depend on which others are evaluated with it, in what order or on
    which device, so an evaluation can be cut into blocks or resumed without changing a digit.

    Args:
        seed: Seed of the evaluation.
        purpose: What the numbers are for.
        rows: Positions of the M datapoints in their split.
        device: Where the numbers are put; None: the CPU.
        first_draws: Where the answers to first requests are kept; None: nowhere.
    """

    def __init__(
        self,
        seed: int,
        purpose: str,
        rows: range,
        device: torch.device | None = None,
        first_draws: FirstDraws | None = None,
    ) -> None:
        super().__init__(seed, purpose, 0, device=device)
        self.rows, self.first_draws = rows, first_draws
        self._first: tuple[Any, ...] | None = None
        self._generators: list[np.random.Generator] = []

    def normal(self, shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> Tensor:
        """Draw from N(0, 1), row m from the stream of datapoint m.

        Args:
            shape: (M, J) or (L, M, J).
            dtype: Type of the numbers.

        Returns:
            A tensor of that shape.
        """
        return self._answer("standard_normal", shape, dtype)

    def uniform(self, shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> Tensor:
        """Draw uniform numbers in [0, 1), row m from the stream of datapoint m.

        Args:
            shape: (M, J) or (L, M, J).
            dtype: Type of the numbers.

        Returns:
            A tensor of that shape.
        """
        return self._answer("random", shape, dtype)

    def _answer(self, method: str, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        *lead, rows, _ = shape
        if rows != len(self.rows):
            raise ValueError(f"noise for {len(self.rows)} datapoints was asked for {rows} rows")
        request = (method, (*lead, shape[-1]), _NUMPY[dtype])
        if self._first is None and self.first_draws is not None:
            self._first = request
            key = (self.seed, self.purpose, self.rows, *request)
            return self._rows(self.first_draws(key, lambda: self._stack(request)))
        if self._first is not None and not self._generators:
            self._stack(self._first)  # was kept: the streams continue behind it
        return self._rows(self._stack(request))

    def _stack(self, request: tuple[Any, ...]) -> np.ndarray:
        if not self._generators:
            key = _key(self.seed, self.purpose)
            self._generators = [_generator(key, row) for row in self.rows]
        return np.stack([_draw(generator, request) for generator in self._generators], axis=-2)
