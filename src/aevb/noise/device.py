r"""Random numbers made on the device of the model: counter-based, for many minibatches at once.

Drawing on the host and copying would stall a GPU at every step, and a captured CUDA graph cannot ask the
host at all. Philox4x32-10 (Salmon et al. 2011; constants and known answers: Random123) is written here in
torch's integer operations:

    key      (seed, crc32(purpose))
    counter  (block i, call n, t mod 2^32, t div 2^32)   ->   four words of 32 bits

t is the minibatch, n counts the requests made of its noise, i the blocks of one request. t is a tensor, so
a graph that is replayed reads it from memory, and there is no state to restore when a run is resumed.

    uniform  w 2^-24 (top 24 bits), or 53 bits of two words in float64: [0, 1)
    normal   sqrt(-2 log u) (cos 2 pi v, sin 2 pi v)   (Box & Muller 1958)

torch's own generator on a GPU is Philox too, and needs one kernel where this needs some hundred. It is not
used for three reasons: which number an entry gets depends on how a kernel is spread over the chip, and so
on the model of the GPU; torch does not promise by how much a draw advances the offset, so t cannot be turned
into an offset; and none of it can be tested without a GPU. The hundred kernels serve all minibatches that
are drawn together.

The numbers differ from those of aevb.noise.host.Noise, which numpy makes with Philox4x64. Words and uniforms
have the same bits on every device; the last bits of normals depend on the device's log, sqrt, sin and cos.
"""

import math
import zlib
from typing import Literal

import torch
from torch import Tensor

from aevb.noise import Noise

__all__ = ["DeviceNoise", "Draws", "philox4x32"]

Words = tuple[Tensor, Tensor, Tensor, Tensor]

MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
WEYL = 0x9E3779B9, 0xBB67AE85  # golden ratio and sqrt(3) - 1
MASK = 0xFFFFFFFF


def philox4x32(counter: Words, key: tuple[int, int]) -> Words:
    """Apply the ten rounds of Philox4x32.

    Args:
        counter: Four words of 32 bits in int64 tensors whose shapes broadcast.
        key: Two words of 32 bits.

    Returns:
        Four random words of 32 bits in int64 tensors.
    """
    a, b, c, d = counter
    k, l = key  # noqa: E741
    for _ in range(10):
        # int64 wraps around, so the 64 bits of the product are right; the mask drops the sign that the shift extends.
        p, q = a * MULTIPLIERS[0], c * MULTIPLIERS[1]
        a, b, c, d = ((q >> 32) & MASK) ^ b ^ k, q & MASK, ((p >> 32) & MASK) ^ d ^ l, p & MASK
        k, l = (k + WEYL[0]) & MASK, (l + WEYL[1]) & MASK  # noqa: E741
    return a, b, c, d


class Draws:
    """Random numbers of several minibatches, drawn together when the first of them asks.

    Args:
        seed: Seed of the run.
        first_step: Number t of the first minibatch, an int64 scalar on the device. Its value is read when
            numbers are drawn.
        count: Number of minibatches.
    """

    def __init__(self, seed: int, first_step: Tensor, count: int) -> None:
        self.seed, self.count = seed, count
        self.t = first_step + torch.arange(count, device=first_step.device)
        self._drawn: dict[tuple[object, ...], Tensor] = {}

    def uniform(self, purpose: str, call: int, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Draw uniform numbers in [0, 1) for all minibatches.

        Args:
            purpose: What the numbers are for.
            call: Number of the request that a minibatch makes under this purpose.
            shape: Shape of the numbers of one minibatch.
            dtype: Type of the numbers.

        Returns:
            Numbers, (count, *shape).
        """
        return self._draw("uniform", purpose, call, shape, dtype)

    def normal(self, purpose: str, call: int, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Draw from N(0, 1) for all minibatches; see `uniform`.

        Args:
            purpose: The name of the use of the noise.
            call: The number of earlier calls of this use.
            shape: The shape for one minibatch.
            dtype: The type of the numbers.

        Returns:
            The numbers of all minibatches.
        """
        return self._draw("normal", purpose, call, shape, dtype)

    def _draw(
        self, kind: Literal["uniform", "normal"], purpose: str, call: int, shape: tuple[int, ...], dtype: torch.dtype
    ) -> Tensor:
        request = kind, purpose, call, shape, dtype
        if request not in self._drawn:
            size = math.prod(shape)
            per_block = 4 if dtype == torch.float32 else 2
            words = self._words(purpose, call, -(-size // per_block))
            numbers = torch.stack((_uniform if kind == "uniform" else _normal)(words, dtype), -1)
            self._drawn[request] = numbers.flatten(1)[:, :size].view(self.count, *shape)
        return self._drawn[request]

    def _words(self, purpose: str, call: int, blocks: int) -> Words:
        # (count, blocks) each
        t = self.t[:, None]
        i = torch.arange(blocks, device=t.device).expand(self.count, -1)
        counter = i, torch.full_like(i, call), (t & MASK).expand_as(i), (t >> 32).expand_as(i)
        return philox4x32(counter, (self.seed, zlib.crc32(purpose.encode())))


def _uniform(words: Words, dtype: torch.dtype) -> list[Tensor]:
    if dtype == torch.float32:
        return [(word >> 8).to(dtype) * 2**-24 for word in words]
    return [((one >> 5) * 2**26 + (other >> 6)).to(dtype) * 2**-53 for one, other in (words[:2], words[2:])]


def _normal(words: Words, dtype: torch.dtype) -> list[Tensor]:
    if dtype == torch.float32:
        # All 32 bits, for the tail: u is at least 2^-33 and |z| at most 6.8; with 24 bits it would end at 5.8.
        first, second = ([word.to(dtype) * 2**-32 for word in words[k::2]] for k in (0, 1))
        pairs = [(u + 2**-33, v) for u, v in zip(first, second, strict=True)]
    else:
        u, v = _uniform(words, dtype)
        pairs = [(1 - u, v)]
    numbers = []
    for u, v in pairs:
        radius, angle = torch.sqrt(-2 * torch.log(u)), 2 * math.pi * v
        numbers += [radius * torch.cos(angle), radius * torch.sin(angle)]
    return numbers


class DeviceNoise(Noise):
    """Random numbers of one minibatch among several; successive calls are requests 0, 1, 2 ...

    It has no attribute `step`: a number that Python knows would be wrong in a graph that is replayed.

    Args:
        draws: The numbers of all these minibatches.
        index: Which of the minibatches this is, from 0.
        purpose: What the numbers are for.
        rank: Number of this process.
        world: Number of processes that share the minibatch.
    """

    def __init__(self, draws: Draws, index: int, purpose: str, *, rank: int = 0, world: int = 1) -> None:
        self.draws, self.index, self.purpose, self.seed = draws, index, purpose, draws.seed
        self.rank, self.world, self.device = rank, world, draws.t.device
        self._calls = 0

    def normal(self, shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> Tensor:
        """Draw from N(0, 1); see `Noise.normal`.

        Args:
            shape: The shape.
            dtype: The type of the numbers.
        """
        return self._own(self.draws.normal(self.purpose, self._next(), self._whole(shape), dtype)[self.index])

    def uniform(self, shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> Tensor:
        """Draw uniform numbers in [0, 1); see `Noise.uniform`.

        Args:
            shape: The shape.
            dtype: The type of the numbers.
        """
        return self._own(self.draws.uniform(self.purpose, self._next(), self._whole(shape), dtype)[self.index])

    def of_all(self, purpose: str) -> "DeviceNoise":
        """Return noise of the same minibatch that is the same on all ranks; see `Noise.of_all`.

        Args:
            purpose: The name of the use of the noise.
        """
        return DeviceNoise(self.draws, self.index, purpose)

    def _next(self) -> int:
        self._calls += 1
        return self._calls - 1
