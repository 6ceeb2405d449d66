"""Adam of one kernel against torch's own: the same bits, the same state, and no question about GPUs."""

import pytest
import torch

from aevb.optimizers.torch import adam


def groups(seed=0):
    """A weight with decay, a bias, and a parameter that gets a gradient in some steps only."""
    generator = torch.Generator().manual_seed(seed)
    weight, bias, rare = (torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in ((7, 5), (7,), (3,)))
    return [{"params": [weight, rare], "weight_decay": 0.1}, {"params": [bias]}]


def reference(parameters, **options):
    return torch.optim.Adam(parameters, fused=True, **options)


def train(optimizer, first, last):
    """Steps `first` to `last` - 1, each with the gradients and the learning rate that are its own."""
    for t in range(first, last):
        generator = torch.Generator().manual_seed(t)
        for group in optimizer.param_groups:
            group["lr"] = 0.01 / (1 + t)
            for parameter in group["params"]:
                gradient = torch.randn(parameter.shape, generator=generator)
                parameter.grad = None if parameter.shape == (3,) and t % 3 != 1 else gradient
        optimizer.step()


def values(optimizer):
    return [parameter.detach().clone() for group in optimizer.param_groups for parameter in group["params"]]


OPTIONS = {"betas": (0.8, 0.99), "eps": 1e-3}


def test_it_has_the_bits_of_torch():
    own, torchs = adam(groups(), **OPTIONS), reference(groups(), **OPTIONS)
    for optimizer in (own, torchs):
        train(optimizer, 0, 9)
    assert all(map(torch.equal, values(own), values(torchs)))
    assert not any(map(torch.equal, values(own), values(adam(groups()))))  # every parameter has changed


@pytest.mark.parametrize("saved_by", [adam, reference])
@pytest.mark.parametrize("loaded_by", [adam, reference])
def test_a_state_is_continued_by_either(saved_by, loaded_by):
    whole = reference(groups(), **OPTIONS)
    train(whole, 0, 9)
    first = saved_by(groups(), **OPTIONS)
    train(first, 0, 4)
    second = loaded_by(copies(first), **OPTIONS)
    second.load_state_dict(first.state_dict())
    train(second, 4, 9)
    assert all(map(torch.equal, values(second), values(whole)))


def copies(optimizer):
    return [
        {**group, "params": [torch.nn.Parameter(parameter.detach().clone()) for parameter in group["params"]]}
        for group in optimizer.param_groups
    ]


def test_a_step_does_not_look_for_a_gpu(monkeypatch):
    """torch's does, and loads a library of the driver for it."""
    optimizer = adam(groups())
    train(optimizer, 0, 2)

    def asked():
        raise AssertionError("asked for a GPU")

    monkeypatch.setattr(torch.cuda, "is_available", asked)
    train(optimizer, 2, 4)
