"""Gradient clipping is that of torch, applied to the parameters of an update before the step."""

import pytest
import torch
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from aevb.objectives.sgvb_b import SGVB_B
from aevb.objectives.wake_sleep import WakeSleep
from aevb.training.clipping import Clipping
from aevb.training.minibatches import Stream
from aevb.training.module import Training
from aevb.training.running_mean import RunningMean
from helpers.oracles import data, linear_gaussian


def stepped(clipping, objective=None, world=1):
    """Parameters before, their gradients, and parameters after one update by gradient descent at learning rate 1."""
    model, x = linear_gaussian(), 3 * data(7)
    objective = objective or SGVB_B(weight_prior=0.0)
    stream = Stream(x, batch_size=7, seed=0)
    module = Training(
        model, objective, stream, lambda groups: torch.optim.SGD(groups, lr=1.0), RunningMean(7), clipping=clipping
    )
    optimizers = dict(zip(("theta", "phi"), module.configure_optimizers(), strict=True))
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    for update in module.engine(model, stream):
        stream.world = world
        module._take_step(update, optimizers, None)
    return before, dict(model.named_parameters())


def steps(clipping):
    before, after = stepped(clipping)
    return [(before[name] - after[name]).detach() for name in before]


def gradients():
    """What is to be clipped, by torch alone."""
    leaves = [torch.zeros_like(step).requires_grad_() for step in steps(None)]
    for leaf, step in zip(leaves, steps(None), strict=True):
        leaf.grad = step.clone()
    return leaves


def length(tensors):
    return torch.cat([tensor.flatten() for tensor in tensors]).norm().item()


def test_the_norm_is_that_of_all_that_an_update_moves_together():
    expected = gradients()
    whole = clip_grad_norm_(expected, 0.5)
    assert whole > 1
    for actual, target in zip(steps(Clipping(norm=0.5)), expected, strict=True):
        torch.testing.assert_close(actual, target.grad)
    assert length(steps(Clipping(norm=0.5))) == pytest.approx(0.5, rel=1e-5)


def test_values_are_cut_off_one_by_one():
    expected = gradients()
    clip_grad_value_(expected, 0.05)
    for actual, target in zip(steps(Clipping(value=0.05)), expected, strict=True):
        torch.testing.assert_close(actual, target.grad)
    assert max(step.abs().max() for step in steps(Clipping(value=0.05))) == pytest.approx(0.05)


def test_of_both_the_value_is_first():
    expected = gradients()
    clip_grad_value_(expected, 0.05)
    clip_grad_norm_(expected, 0.1)
    for actual, target in zip(steps(Clipping(0.05, 0.1)), expected, strict=True):
        torch.testing.assert_close(actual, target.grad)


def test_a_threshold_that_is_never_met_changes_nothing():
    for actual, plain in zip(steps(Clipping(1e9, 1e9)), steps(None), strict=True):
        assert torch.equal(actual, plain)


def test_each_update_of_a_round_is_clipped_by_itself():
    """Wake-sleep updates theta, then phi, each by the length of the threshold."""
    before, after = stepped(Clipping(norm=0.01), WakeSleep(weight_prior=0.0))
    for part in ("decoder", "encoder"):
        change = [(after[name] - before[name]).detach() for name in before if name.startswith(part)]
        assert length(change) == pytest.approx(0.01, rel=1e-4)


def test_of_several_ranks_the_averaged_gradient_is_clipped(monkeypatch):
    """A stand-in for the exchange makes the mean over ranks three times the gradient of this rank."""

    def average(shares, stats, vote, world):
        torch._foreach_mul_(shares, 3.0)
        return dict(stats), torch.tensor(0.0)

    monkeypatch.setattr("aevb.training.module.average", average)
    expected = gradients()
    for leaf in expected:
        leaf.grad *= 3
    clip_grad_value_(expected, 0.05)
    before, after = stepped(Clipping(value=0.05), world=2)
    for name, target in zip(before, expected, strict=True):
        torch.testing.assert_close((before[name] - after[name]).detach(), target.grad)
