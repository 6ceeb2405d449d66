"""Initial values of layers that aevb's own networks do not have."""

import torch
from torch import nn

from aevb.nn.initialization import initialize


def test_glorot_keeps_the_scale_of_a_normalisation() -> None:
    """With a scale of 0 its output is 0, and a ReLU behind it passes no gradient to anything before."""
    first, normalisation = nn.Linear(5, 4), nn.BatchNorm1d(4)
    encoder = nn.Sequential(first, normalisation, nn.ReLU(), nn.Linear(4, 2))
    initialize(encoder, nn.Linear(2, 5), "glorot", seed=0)
    assert torch.equal(normalisation.weight, torch.ones(4))
    assert not first.bias.any()
    assert not normalisation.bias.any()
    encoder(torch.randn(20, 5, generator=torch.Generator().manual_seed(0))).square().sum().backward()
    assert first.weight.grad is not None
    assert first.weight.grad.abs().max() > 1e-3
