"""Replayed rounds equal rounds that are executed one by one. On a CPU a tape stands in for a CUDA graph."""

import math

import pytest
import torch

from aevb.config import difference, fingerprint
from aevb.optimizers import adagrad
from aevb.training.clipping import Clipping
from aevb.training.cuda_graph import WARM_UP_ROUNDS
from aevb.training.divergence import Diverged
from aevb.training.module import Training
from aevb.training.schedule import BlockSchedule
from helpers.commands import settings
from helpers.short_runs import outcome
from helpers.short_runs import train as short_run
from helpers.static_rounds import BLOCKS, OPTIMIZERS, STATIC, K, M, OnTape, state, train, training
from helpers.tape import Tape


@pytest.fixture(autouse=True)
def as_on_a_gpu(monkeypatch):
    """The step of other devices than a CPU: it asks for no number."""
    monkeypatch.setattr(adagrad, "_on_host", lambda parameters: False)


@pytest.mark.parametrize(("model", "objective", "engine", "optimizer"), STATIC)
def test_replays_are_the_rounds_one_by_one(model, objective, engine, optimizer):
    options = {"model": model, "objective": objective, "engine": engine, "optimizer": optimizer, "dynamic": True}
    plain, replayed = training(**options, tape=False), training(**options)
    train(plain, BLOCKS)
    train(replayed, BLOCKS)
    assert (replayed.tape.recorded, replayed.tape.replayed) == (1, 6)
    assert replayed.samples_seen == 31 * M
    torch.testing.assert_close(state(replayed), state(plain), rtol=1e-12, atol=1e-13)


def test_the_curve_is_the_same_value_for_value():
    plain, replayed = train(training(tape=False), BLOCKS), train(training(), BLOCKS)
    assert len(plain.window.state_dict()) > 0
    torch.testing.assert_close(replayed.window.state_dict(), plain.window.state_dict(), rtol=1e-12, atol=1e-13)
    assert replayed.window.mean == pytest.approx(plain.window.mean, rel=1e-12)


@pytest.mark.parametrize("clipping", [Clipping(value=0.01), Clipping(norm=0.05)])
def test_gradients_are_clipped_in_replays_too(clipping):
    plain, clipped = training(optimizer="sgd", tape=False), training(optimizer="sgd", clipping=clipping)
    reference = training(optimizer="sgd", clipping=clipping, tape=False)
    for module in (plain, clipped, reference):
        train(module, [4, 8])
    torch.testing.assert_close(state(clipped), state(reference), rtol=1e-12, atol=1e-13)
    assert not torch.allclose(plain.model.theta[0], clipped.model.theta[0], rtol=1e-3)


def test_every_evaluation_point_is_reached_exactly():
    module = training()
    for block in BlockSchedule(lambda: module.samples_seen, 400, M, 7 * M):
        module.training_step(block)
        assert module.samples_seen == block.stop
    assert module.stream.position == 80
    assert (
        module.tape.replayed == 11
    )  # from 30 on one in a block, but for the three rounds before the evaluation point at 100


@pytest.mark.parametrize("cut", [1, 6, 9])
@pytest.mark.parametrize("optimizer", ["authors", "adam"])
def test_resumed_anywhere_it_has_the_same_bits(cut, optimizer):
    """Also where the uninterrupted run was between two steps of one replay."""
    options = {"optimizer": optimizer, "dynamic": True}
    whole = train(training(**options), [4, 20])
    first = train(training(**options), [min(4, cut), *([cut - 4] if cut > 4 else [])])
    saved, optimizers = {"state_dict": first.state_dict()}, first.optimizers(use_pl_optimizer=False)
    first.on_save_checkpoint(saved)
    states = [one.state_dict() for one in optimizers]

    second = training(**options)
    second.load_state_dict(saved["state_dict"])
    second.on_load_checkpoint(saved)
    for one, old in zip(second.optimizers(use_pl_optimizer=False), states, strict=True):
        one.load_state_dict(old)
    train(second, [24 - cut])
    assert second.tape.replayed > 0
    torch.testing.assert_close(state(second), state(whole), rtol=0, atol=0)


def poisoned(optimizer: str) -> OnTape:
    """After three rounds; a datapoint of minibatch 5, in the midst of the first replay, is not a number."""
    module = train(training(optimizer=optimizer), [3])
    module.stream.x[module.stream.index(5)[0]] = math.nan
    return module


def test_a_block_that_diverges_is_repeated_to_name_the_step():
    module = poisoned("sgd")
    with pytest.raises(Diverged, match=r"diverged at samples_seen=30 \(seed 3\): loss and bound and the gradient of "):
        train(module, [16])
    assert module.tape.replayed == 4, "the block was replayed, and then not again"


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_replays_are_undone_before_a_block_is_repeated(optimizer):
    before, module = train(training(optimizer=optimizer), [3]), poisoned(optimizer)
    take = module._rounds
    module._rounds = lambda block, optimizers, check=False: [] if check else take(block, optimizers)
    with pytest.raises(Diverged):
        train(module, [16])
    torch.testing.assert_close(state(module), state(before), rtol=0, atol=0)


def test_a_stop_request_is_noticed_between_replays():
    module = train(training(), [4, 4])
    assert module.tape.replayed == 1
    module.stop_requested = True
    train(module, [16])
    assert module.stopping
    assert module.samples_seen == 12 * M


def test_no_recording_before_the_first_rounds():
    module = train(training(), [K])
    assert module.tape.recorded == 0 < WARM_UP_ROUNDS <= K
    assert train(module, [K]).tape.recorded == 1


@pytest.fixture
def tapes(monkeypatch):
    """Tapes of the runs that are trained, as if they were on a GPU."""
    made = []

    def capture(self):
        made.append(Tape())
        return made[-1]

    monkeypatch.setattr(Training, "capture", capture)
    return made


@pytest.mark.slow
def test_whole_runs_with_and_without_a_graph_and_extended(tapes, tmp_path):
    """Through the worker: evaluations and checkpoints between the replays, to the same bits."""
    kind = "objective=iwae", "sampling=replacement", "data.targets=dynamic"
    whole = outcome(short_run(tmp_path / "whole", 3000, "trainer.block=20", "trainer.graph_steps=8", *kind))
    assert tapes[0].recorded == 1 <= tapes[0].replayed <= 3
    assert outcome(short_run(tmp_path / "plain", 3000, "trainer.block=20", "trainer.graph_steps=0", *kind)) == whole
    assert tapes[1].recorded == 0
    short_run(tmp_path / "extended", 1700, "trainer.block=20", "trainer.graph_steps=8", *kind)
    extended = short_run(tmp_path / "extended", 3000, "trainer.block=20", "trainer.graph_steps=8", *kind)
    assert tapes[3].replayed > 0
    assert outcome(extended)[0] == whole[0]


def test_a_graph_is_no_part_of_a_runs_identity():
    one, other = settings(), settings("trainer.graph_steps=0")
    assert fingerprint(one) == fingerprint(other)
    one["trainer"].pop("graph_steps")
    assert not difference(one, other), "runs made before there was such a key"
