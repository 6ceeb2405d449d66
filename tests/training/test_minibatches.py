"""Minibatches, evaluation points and blocks are functions of the training samples so far."""

from itertools import islice, pairwise

import pytest
import torch

from aevb.noise.device import DeviceNoise, Draws
from aevb.runs.progress import is_evaluation_point, next_evaluation_point
from aevb.training.minibatches import Stream
from aevb.training.running_mean import RunningMean
from aevb.training.schedule import BlockSchedule
from helpers.statistics import assert_mean

X = torch.arange(23.0).unsqueeze(1).repeat(1, 4)


def test_every_epoch_is_a_permutation_and_no_two_are_alike():
    stream = Stream(X, batch_size=10, seed=0)
    seen = torch.cat([batch.index for batch in islice(stream, 23)])
    epochs = seen.view(10, 23)
    for epoch in epochs:
        assert sorted(epoch.tolist()) == list(range(23))
    assert len({tuple(epoch.tolist()) for epoch in epochs}) == 10


@pytest.mark.parametrize("sampling", ["permutation", "replacement"])
@pytest.mark.parametrize("dynamic", [False, True])
def test_a_stream_set_to_t_equals_an_uninterrupted_one(sampling, dynamic):
    def stream():
        return Stream(X / 23, batch_size=10, seed=4, sampling=sampling, dynamic=dynamic)

    whole = list(islice(stream(), 12))
    late = stream()
    late.position = 7
    for old, new in zip(whole[7:], late, strict=False):
        assert torch.equal(old.index, new.index)
        assert torch.equal(old.x, new.x)
        assert torch.equal(old.noise.normal((10, 2)), new.noise.normal((10, 2)))


def test_rows_follow_their_index():
    batch = next(Stream(X, batch_size=10, seed=0))
    assert torch.equal(batch.x[:, 0].long(), batch.index)


def test_with_replacement_every_point_is_as_likely():
    """2,300 minibatches of 10: each of 23 points 1,000 times; z-test, fails by chance once in a million seeds."""
    stream = Stream(X, batch_size=10, seed=0, sampling="replacement")
    counts = torch.stack([torch.bincount(batch.index, minlength=23) for batch in islice(stream, 2300)]).double()
    assert_mean(counts, 10 / 23)
    assert counts.max() > 1


def test_dynamic_targets_are_binary_with_their_probabilities():
    x = torch.full((10, 4), 0.3)
    stream = Stream(x, batch_size=10, seed=0, dynamic=True)
    draws = torch.stack([batch.x for batch in islice(stream, 4000)]).double()
    assert set(draws.unique().tolist()) == {0.0, 1.0}
    assert not torch.equal(draws[0], draws[1])
    assert_mean(draws, 0.3)


def test_evaluation_points_are_1_2_3_5_times_powers_of_ten():
    points = [0]
    while points[-1] < 10**9:
        points.append(next_evaluation_point(points[-1]))
    assert points[1:] == [d * 10**k for k in range(9) for d in (1, 2, 3, 5)] + [10**9]
    assert next_evaluation_point(99) == 100
    assert next_evaluation_point(100) == 200
    assert is_evaluation_point(950, 1050)
    assert not is_evaluation_point(1000, 1950)
    assert [next_evaluation_point(k, 400) for k in (0, 99, 399, 400, 800, 1000)] == [1, 100, 400, 500, 1000, 1200]
    assert is_evaluation_point(1000, 1200, 400)
    assert not is_evaluation_point(1000, 1150, 400)
    assert [block.stop for block in BlockSchedule(lambda: 2000, 3500, 100, 10_000, 600)] == [2400, 3000, 3500]


@pytest.mark.parametrize(("max_samples", "batch_size", "block"), [(10_000, 100, 50), (1000, 64, 3), (250, 100, 1)])
def test_blocks_end_at_every_evaluation_point(max_samples, batch_size, block):
    plan = BlockSchedule(lambda: 0, max_samples, batch_size, block * batch_size)
    blocks = list(plan)
    assert len(plan) == len(blocks)
    assert blocks[0].start == 0
    assert all(one.stop == two.start for one, two in pairwise(blocks))
    assert max_samples <= blocks[-1].stop < max_samples + batch_size
    for start, stop in blocks:
        assert (stop - start) % batch_size == 0
        assert 0 < stop - start <= block * batch_size
        assert not is_evaluation_point(start, stop - batch_size) or stop - batch_size <= start, (
            "an evaluation point inside a block"
        )


def test_blocks_begin_where_the_run_is():
    whole = list(BlockSchedule(lambda: 0, 10_000, 100, 700))
    rest = list(BlockSchedule(lambda: whole[4].stop, 10_000, 100, 700))
    assert rest == whole[5:]


def test_the_window_is_the_mean_of_the_last_samples():
    window = RunningMean(250)
    values = [float(v) for v in range(10)]
    for k, value in enumerate(values, start=1):
        window.add(100, value)
        expected = values[max(0, k - 3) : k]  # 300 samples are the fewest that hold the last 250
        assert window.mean == pytest.approx(sum(expected) / len(expected))
    other = RunningMean(250)
    other.load_state_dict(window.state_dict())
    assert other.mean == window.mean


@pytest.mark.parametrize("sampling", ["permutation", "replacement"])
@pytest.mark.parametrize("dynamic", [False, True])
def test_minibatches_prepared_by_the_device(sampling, dynamic):
    """The datapoints are those of a CPU; targets and noise are functions of (seed, t), however many are prepared together."""

    def stream(ahead, **rank):
        made = Stream(X / 23, batch_size=10, seed=4, sampling=sampling, dynamic=dynamic, **rank)
        made.ahead = ahead
        return made

    plain, whole = list(islice(stream(0), 12)), list(islice(stream(5), 12))
    late = stream(3)
    late.position = 7
    ranks = [list(islice(stream(4, rank=rank, world=2), 12)) for rank in range(2)]
    for t, (old, batch, *parts) in enumerate(zip(plain, whole, *ranks, strict=True)):
        assert torch.equal(old.index, batch.index)
        assert torch.equal(torch.cat([part.index for part in parts]), batch.index)
        assert torch.equal(torch.cat([part.x for part in parts]), batch.x)
        noise = batch.noise.normal((2, 10, 3))
        together = torch.cat([part.noise.normal((2, 5, 3)) for part in parts], dim=1)
        torch.testing.assert_close(together, noise, rtol=1e-6, atol=1e-6)
        alone = DeviceNoise(Draws(4, torch.tensor(t), 1), 0, "noise")
        torch.testing.assert_close(noise, alone.normal((2, 10, 3)), rtol=1e-6, atol=1e-6)
        if dynamic:
            chance = DeviceNoise(Draws(4, torch.tensor(t), 1), 0, "binarisation")
            expected = (chance.uniform((10, 4)) < (X / 23)[batch.index]).float()
            assert torch.equal(batch.x, expected)
        else:
            assert torch.equal(batch.x, old.x)
        if t >= 7:
            again = next(late)
            assert torch.equal(again.x, batch.x)
            torch.testing.assert_close(again.noise.normal((2, 10, 3)), noise, rtol=1e-6, atol=1e-6)


def test_a_minibatch_given_again_has_the_same_noise():
    """A block that is repeated begins at an earlier position of the stream."""
    stream = Stream(X / 23, batch_size=10, seed=4)
    stream.ahead = 5
    first = [batch.noise.uniform((10, 2)) for batch in islice(stream, 4)]
    stream.position = 1
    assert all(torch.equal(next(stream).noise.uniform((10, 2)), old) for old in first[1:])


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_minibatches_of_a_device_are_aligned_as_one_alone_is(dynamic, dtype):
    """A library may choose its kernel by the address; 3 x 5 numbers have 60 or 120 bytes."""
    x = torch.rand(23, 5, generator=torch.Generator().manual_seed(0)).to(dtype)
    minibatches = Stream(x, batch_size=3, seed=4, dynamic=dynamic).on_device(6)
    batches = minibatches.batches()
    assert all((batch.x.data_ptr() - batches[0].x.data_ptr()) % 256 == 0 for batch in batches)
    assert all(batch.x.shape == (3, 5) and batch.x.is_contiguous() for batch in batches)
