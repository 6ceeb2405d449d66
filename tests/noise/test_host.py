"""Noise is a function of (seed, purpose, step): nothing else enters it, everything of it does."""

import zlib

import numpy as np
import pytest
import torch
from scipy import stats

from aevb.noise import FirstDraws, Noise, NoisePrefetch, RowNoise
from aevb.noise.host import philox


def test_numbers_depend_on_the_whole_key():
    first = Noise(0, "noise", 7).normal((3, 2))
    assert torch.equal(first, Noise(0, "noise", 7).normal((3, 2)))
    for other in (Noise(1, "noise", 7), Noise(0, "order", 7), Noise(0, "noise", 8)):
        assert not torch.equal(first, other.normal((3, 2)))


@pytest.mark.parametrize(("seed", "step"), [(0, 0), (7, 12345), (2**64 - 1, 2**64 - 1)])
def test_the_generator_is_numpys(seed, step):
    key = np.array([seed, zlib.crc32(b"noise")], dtype=np.uint64)
    counter = np.array([0, 0, 0, step], dtype=np.uint64)
    expected = np.random.Generator(np.random.Philox(key=key, counter=counter))
    generator = philox(seed, "noise", step)
    for _ in range(2):  # an odd number of float32 leaves half a word for the next request
        assert np.array_equal(generator.standard_normal(7, np.float32), expected.standard_normal(7, np.float32))
        assert np.array_equal(generator.random(5), expected.random(5))


def test_successive_calls_go_on():
    noise = Noise(0, "noise", 0)
    assert not torch.equal(noise.normal((3, 2)), noise.normal((3, 2)))


def test_what_is_drawn_ahead_is_what_each_would_draw_by_itself():
    """Repeated requests, another request, a step that is skipped and a step that is repeated."""
    prefetch = NoisePrefetch(0, "noise")
    requests = (
        [("normal", (4, 3))] * 5 + [("uniform", (4, 3))] * 3 + [("normal", (2, 4, 3))] * 2 + [("normal", (4, 3))] * 3
    )
    for step, (kind, shape) in zip([0, 1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 3, 3], requests, strict=True):
        ahead, alone = Noise(0, "noise", step, prefetch=prefetch), Noise(0, "noise", step)
        for _ in range(2):  # the first request and a further one
            assert torch.equal(getattr(ahead, kind)(shape), getattr(alone, kind)(shape))


def test_ranks_hold_slices_of_the_global_minibatch():
    whole = Noise(3, "noise", 5).normal((2, 8, 3))
    parts = [Noise(3, "noise", 5, rank=rank, world=2).normal((2, 4, 3)) for rank in range(2)]
    assert torch.equal(torch.cat(parts, dim=1), whole)


@pytest.mark.parametrize("numbers", [FirstDraws.NUMBERS, 10])
def test_kept_first_draws_are_what_each_would_draw(numbers, monkeypatch):
    """Evaluations that begin alike and differently, go on behind what was kept, and write into what they got."""
    monkeypatch.setattr(FirstDraws, "NUMBERS", numbers)  # 10: nothing fits
    kept = FirstDraws()
    for rows, kind in ((4, "normal"), (4, "normal"), (2, "normal"), (4, "uniform"), (4, "normal"), (4, "uniform")):
        begun = RowNoise(0, "bound", range(rows), first_draws=kept), RowNoise(0, "bound", range(rows))
        for further in (kind, "normal", "uniform"):
            drawn, expected = (getattr(noise, further)((3, rows, 2)) for noise in begun)
            assert torch.equal(drawn, expected)
            drawn.zero_()
    assert kept._kept == (2 * 24 + 12 if numbers > 10 else 0)


def test_numbers_are_normal_and_uniform():
    """Kolmogorov-Smirnov over 20,000 streams of 5; p below 1e-6 would fail one random seed in a million."""
    normal = torch.cat([Noise(0, "test", t).normal((1, 5), torch.float64) for t in range(20_000)])
    uniform = torch.cat([Noise(0, "test", t).uniform((1, 5), torch.float64) for t in range(20_000)])
    assert stats.kstest(normal.flatten().numpy(), "norm").pvalue > 1e-6
    assert stats.kstest(uniform.flatten().numpy(), "uniform").pvalue > 1e-6
    neighbours = torch.stack([normal[:-1, 0], normal[1:, 0]])
    assert abs(torch.corrcoef(neighbours)[0, 1]) < 5 / 20_000**0.5


def test_a_datapoints_noise_does_not_depend_on_its_company():
    whole = RowNoise(0, "importance", range(10)).normal((4, 10, 3))
    some = RowNoise(0, "importance", range(6, 8))
    chunks = torch.cat([some.normal((1, 2, 3)), some.normal((3, 2, 3))])
    assert torch.equal(chunks, whole[:, 6:8])
