"""Philox on the device: published answers, distributions, and that a number depends on its key and counter alone."""

import numpy as np
import pytest
import torch
from scipy import stats

from aevb.noise.device import DeviceNoise, Draws, philox4x32

DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=[
            pytest.mark.gpu,
            pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device"),
            pytest.mark.filterwarnings("default"),  # of the driver
        ],
    ),
]
KNOWN = [  # kat_vectors of Random123: philox4x32 10, counter, key, answer
    ("00000000 " * 4, "00000000 " * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff " * 4, "ffffffff " * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


def words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


def noise(first=0, count=1, index=0, seed=0, purpose="noise", device="cpu", **rank):
    return DeviceNoise(Draws(seed, torch.tensor(first, device=device), count), index, purpose, **rank)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_the_published_answers(counter, key, answer, device):
    answers = philox4x32(tuple(torch.tensor([word], device=device) for word in words(counter)), tuple(words(key)))
    assert [word.item() for word in answers] == words(answer)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("device", DEVICES)
def test_numbers_are_uniform_and_normal(dtype, device):
    """Kolmogorov-Smirnov over 20,000 minibatches of 5, and neighbours in t, in n and in the shape uncorrelated: each of the ten
    statements fails one random seed in a million."""
    draws = noise(count=20_000, device=device).draws
    for name, distribution in (("uniform", "uniform"), ("normal", "norm")):
        one, other = (getattr(draws, name)("test", call, (1, 5), dtype).cpu().double()[:, 0] for call in (0, 1))
        assert stats.kstest(one.flatten().numpy(), distribution).pvalue > 1e-6
        for x, y in ((one[:-1], one[1:]), (one, other), (one[:, :1], one[:, 1:2]), (one[:, :1], one[:, 2:3])):
            together = torch.corrcoef(torch.stack([x.flatten(), y.flatten()]))[0, 1]
            assert abs(together) < stats.norm.isf(0.5e-6) / x.numel() ** 0.5


def test_squares_of_a_pair_are_uncorrelated():
    """Box and Muller's two numbers share a radius: uncorrelated squares need its law to be right. Fails once in a million."""
    one, other = noise().normal((200_000, 2), torch.float64).T ** 2
    assert abs(torch.corrcoef(torch.stack([one, other]))[0, 1]) < stats.norm.isf(0.5e-6) / 200_000**0.5


def test_the_tail_is_there():
    """P(|z| > 4.5) = 6.8e-6: of 4e6 numbers 27, Poisson; fails once in a million."""
    count = int((noise().normal((4, 1_000_000)).abs() > 4.5).sum())
    expected = 8 * 1e6 * stats.norm.sf(4.5)
    assert stats.poisson.ppf(0.5e-6, expected) <= count <= stats.poisson.isf(0.5e-6, expected)


def test_float32_and_float64_stay_in_their_intervals():
    for dtype in (torch.float32, torch.float64):
        u = noise().uniform((4, 250_000), dtype)
        assert u.dtype == dtype
        assert 0 <= u.min() < 1e-4
        assert 1 - 1e-4 < u.max() < 1
        assert noise().normal((4, 250_000), dtype).isfinite().all()


@pytest.mark.parametrize("word", [0, 0xFFFFFFFF])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_word_gives_what_is_not_finite(word, dtype, monkeypatch):
    monkeypatch.setattr("aevb.noise.device.philox4x32", lambda counter, key: (torch.full_like(counter[0], word),) * 4)
    assert noise().normal((1, 4), dtype).isfinite().all()
    assert (noise().uniform((1, 4), dtype) < 1).all()
    assert (noise().uniform((1, 4), dtype) >= 0).all()


@pytest.mark.parametrize("device", DEVICES)
def test_together_or_one_by_one(device):
    """Minibatches that are drawn together get what each would get alone; also beyond 2^32."""
    for first in (0, 2**32 - 2):
        many = noise(first, 5, device=device).draws
        for k in range(5):
            together, alone = DeviceNoise(many, k, "noise"), noise(first + k, device=device)
            assert torch.equal(together.uniform((3, 7)), alone.uniform((3, 7)))
            torch.testing.assert_close(together.normal((2, 3, 7)), alone.normal((2, 3, 7)), rtol=1e-6, atol=1e-6)


def test_the_key_and_the_counter_all_matter():
    first = noise(7).uniform((3, 2))
    assert torch.equal(first, noise(7).uniform((3, 2)))
    assert torch.equal(first, noise(5, 3, 2).uniform((3, 2)))
    others = [noise(8), noise(7 + 2**32), noise(7, seed=1), noise(7, purpose="binarisation"), noise(7).of_all("theta")]
    for other in others:
        assert not torch.equal(first, other.uniform((3, 2)))
    same = noise(7)
    assert not torch.equal(same.uniform((3, 2)), same.uniform((3, 2)))


def test_a_tensor_says_which_minibatch_it_is():
    """What a graph that is replayed does: the same operations on another t."""
    first = torch.tensor(3)
    assert torch.equal(Draws(0, first, 2).t, torch.tensor([3, 4]))
    before = DeviceNoise(Draws(0, first, 2), 0, "noise").normal((3, 2))
    first.fill_(10)
    assert torch.equal(DeviceNoise(Draws(0, first, 2), 0, "noise").normal((3, 2)), noise(10, 2).normal((3, 2)))
    assert not torch.equal(before, noise(10, 2).normal((3, 2)))


def test_ranks_hold_slices_of_the_global_minibatch():
    whole = noise(5, seed=3).normal((2, 8, 3))
    parts = [noise(5, seed=3, rank=rank, world=2).normal((2, 4, 3)) for rank in range(2)]
    assert torch.equal(torch.cat(parts, dim=1), whole)
    of_all = [noise(5, seed=3, rank=rank, world=2).of_all("theta").normal((1, 4)) for rank in range(2)]
    assert torch.equal(*of_all)


def test_words_are_those_of_an_implementation_in_exact_integers():
    """Python's integers do not wrap around: the high half of a product is what it should be, in every round."""

    def exact(counter, key):
        a, b, c, d = counter
        for n_round in range(10):
            k, l = ((key[n] + n_round * weyl) % 2**32 for n, weyl in enumerate((0x9E3779B9, 0xBB67AE85)))  # noqa: E741
            p, q = a * 0xD2511F53, c * 0xCD9E8D57
            a, b, c, d = q // 2**32 ^ b ^ k, q % 2**32, p // 2**32 ^ d ^ l, p % 2**32
        return [a, b, c, d]

    counters = np.random.default_rng(0).integers(2**32, size=(4, 300))
    key = (4294967295, 123456789)
    answers = torch.stack(philox4x32(tuple(map(torch.from_numpy, counters)), key))
    assert answers.T.tolist() == [exact([int(word) for word in counter], key) for counter in counters.T]
