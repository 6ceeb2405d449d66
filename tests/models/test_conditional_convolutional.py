"""Convolutional networks with a label: log p(x|y) by a grid over z, and the plain networks where the label has no weight."""

import math

import torch
from torch import Tensor

from aevb.estimators.importance import importance
from aevb.models.conditional import ConditionalVAE
from aevb.models.conditional_convolutional import ConditionalConvolutionalDecoder, ConditionalConvolutionalEncoder
from aevb.models.convolutional import ConvolutionalBernoulliDecoder, ConvolutionalEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.noise import RowNoise
from aevb.objectives.sgvb_b import SGVB_B
from aevb.training.cuda_graph import is_capturable
from helpers.objectives import first_update

SHAPE, D, J, C, M = (4, 8), 32, 1, 3, 6


def network(latent_dim: int = J) -> ConditionalVAE:
    encoder = ConditionalConvolutionalEncoder(SHAPE, C, latent_dim, 2)
    decoder = ConditionalConvolutionalDecoder(SHAPE, C, latent_dim, 2)
    return ConditionalVAE(encoder, decoder, StandardNormal(latent_dim), "glorot").double()


def rows() -> Tensor:
    x = (torch.rand(M, D, generator=torch.Generator().manual_seed(1), dtype=torch.float64) < 0.5).double()
    return torch.cat([x, torch.eye(C, dtype=torch.float64)[torch.arange(M) % C]], -1)


@torch.no_grad()
def log_px_y(model: ConditionalVAE, x: Tensor) -> Tensor:
    """log of the integral of p(z) p(x|z, y) by the trapezoid rule, from the layers themselves."""
    z = torch.linspace(-8, 8, 2001, dtype=torch.float64)
    part, result = model.decoder, []
    for row in x:
        h = torch.cat([z[:, None], row[D:].expand(len(z), -1)], -1) @ part.hidden.weight.T + part.hidden.bias
        logits = part.logits(part.first(h.relu().reshape(-1, *part.small)).relu()).reshape(len(z), D)
        log_joint = (
            -torch.nn.functional.softplus((1 - 2 * row[:D]) * logits).sum(-1) - z**2 / 2 - math.log(2 * math.pi) / 2
        )
        result.append(torch.logsumexp(log_joint, 0) + math.log(16 / 2000))
    return torch.stack(result)


@torch.no_grad()
def test_importance_sampling_reaches_log_px_of_the_class():
    # The standard error is below 0.01 nats; 0.06 is more than five of them. Another label differs by more.
    model, x = network(), rows()
    for parameter in model.decoder.parameters():
        parameter.mul_(2)
    expected = log_px_y(model, x)
    estimate = importance(model, x, RowNoise(0, "importance", range(M)), 5000).log_px
    torch.testing.assert_close(estimate, expected, rtol=0, atol=0.06)
    other = torch.cat([x[:, :D], x[:, D:].roll(1, -1)], -1)
    assert (log_px_y(model, other) - expected).abs().max() > 0.2


def test_without_weights_of_the_label_it_is_the_plain_model():
    model, x = network(2), rows()
    plain = VAE(
        ConvolutionalEncoder(SHAPE, 2, 2), ConvolutionalBernoulliDecoder(SHAPE, 2, 2), StandardNormal(2)
    ).double()
    with torch.no_grad():
        model.encoder.first.weight[:, 1:] = 0
        model.decoder.hidden.weight[:, 2:] = 0
    state = {name: value.clone() for name, value in model.state_dict().items()}
    state["encoder.first.weight"] = state["encoder.first.weight"][:, :1]
    state["decoder.hidden.weight"] = state["decoder.hidden.weight"][:, :2]
    plain.load_state_dict(state)
    first, second = first_update(SGVB_B(), model, x), first_update(SGVB_B(), plain, x[:, :D])
    torch.testing.assert_close(first.loss, second.loss, rtol=1e-12, atol=1e-12)
    first.loss.backward(), second.loss.backward()
    torch.testing.assert_close(model.encoder.first.weight.grad[:, :1], plain.encoder.first.weight.grad)
    assert model.encoder.first.weight.grad[:, 1:].abs().min() > 0
    assert not is_capturable(SGVB_B(), model)  # a conditional model is trained round by round
