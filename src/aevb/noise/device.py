r"""Random numbers made where the model is: counter-based, for many minibatches at once, the same on every device.

Drawing on the host and copying would stall a GPU at every step, and a captured CUDA graph cannot ask the host at all.
Philox4x32-10 (Salmon et al. 2011; constants and known answers: Random123) is written here in torch's integer operations:

    key      (seed, crc32(purpose))
    counter  (block i, call n, t mod 2^32, t div 2^32)   ->   four words of 32 bits

t is the minibatch, n counts the requests made of its noise, i the blocks of one request. t is a tensor, so a graph that is
replayed reads from memory which minibatch it is at, and nothing has to be remembered or put back when a run is resumed.

    uniform  w 2^-24 (top 24 bits), or 53 bits of two words in float64: [0, 1)
    normal   sqrt(-2 log u) (cos 2 pi v, sin 2 pi v)   (Box & Muller 1958)

torch's own generator of a GPU is Philox too and takes one kernel where this takes some hundred. It was not taken: which number
an entry gets depends there on how a kernel is spread over the chip, and so on the model of the GPU; how far a draw moves its
offset is no promise of torch, so t cannot be turned into an offset for certain; and none of it can be tested without a GPU.
The hundred kernels are paid once for all minibatches that are drawn together.

The numbers are others than those of aevb.noise.host.Noise, which numpy makes with Philox4x64. Words and uniforms are the same bits on
every device; normals go through log, sqrt, sin and cos, whose last bits are the device's.
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
    """Ten rounds. counter: words of 32 bits in int64, shapes that broadcast. key: two words."""
    a, b, c, d = counter
    k, l = key  # noqa: E741
    for _ in range(10):
        # int64 wraps around, so the product's 64 bits are right; the shift takes the sign along, the mask drops it again.
        p, q = a * MULTIPLIERS[0], c * MULTIPLIERS[1]
        a, b, c, d = ((q >> 32) & MASK) ^ b ^ k, q & MASK, ((p >> 32) & MASK) ^ d ^ l, p & MASK
        k, l = (k + WEYL[0]) & MASK, (l + WEYL[1]) & MASK  # noqa: E741
    return a, b, c, d


class Draws:
    """The numbers of `count` minibatches from `first` on, drawn together when the first of them asks.

    seed: of the run. first: t of the first one, int64 scalar on the device; what it holds when numbers are drawn is what counts.
    """

    def __init__(self, seed: int, first: Tensor, count: int) -> None:
        self.seed, self.count = seed, count
        self.t = first + torch.arange(count, device=first.device)
        self._drawn: dict[tuple[object, ...], Tensor] = {}

    def uniform(self, purpose: str, call: int, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Uniform in [0, 1), (count, *shape): request number `call` of every minibatch under `purpose`."""
        return self._kept("uniform", purpose, call, shape, dtype)

    def normal(self, purpose: str, call: int, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Standard normal, (count, *shape)."""
        return self._kept("normal", purpose, call, shape, dtype)

    def _kept(
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
        """(count, blocks) each."""
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
    """Random numbers of minibatch number `place` among those of `draws`; successive calls are requests 0, 1, 2 ...

    It has no `step`: in a graph that is replayed, no number of Python's would be right.
    """

    def __init__(self, draws: Draws, place: int, purpose: str, *, rank: int = 0, world: int = 1) -> None:
        self.draws, self.place, self.purpose, self.seed = draws, place, purpose, draws.seed
        self.rank, self.world, self.device = rank, world, draws.t.device
        self._calls = 0

    def normal(self, shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> Tensor:
        """Standard normal numbers of `shape` (..., M, J), M this process's rows."""
        return self._own(self.draws.normal(self.purpose, self._next(), self._whole(shape), dtype)[self.place])

    def uniform(self, shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> Tensor:
        """Numbers uniform in [0, 1) of `shape` (..., M, J), M this process's rows."""
        return self._own(self.draws.uniform(self.purpose, self._next(), self._whole(shape), dtype)[self.place])

    def of_all(self, purpose: str) -> "DeviceNoise":
        """As `Noise.of_all`."""
        return DeviceNoise(self.draws, self.place, purpose)

    def _next(self) -> int:
        self._calls += 1
        return self._calls - 1
