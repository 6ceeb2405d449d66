"""Convolutional networks: shapes for any leading axes, independent images, and initial values."""

import math

import pytest
import torch

from aevb.config.instantiate import instantiate
from aevb.distributions import Bernoulli, DiagonalNormal
from aevb.errors import UserError
from aevb.models.convolutional import (
    ConvolutionalBernoulliDecoder,
    ConvolutionalEncoder,
    ConvolutionalGaussianDecoder,
)
from aevb.models.fixed_variance import Point
from aevb.nn.initialization import initialize
from helpers.commands import settings


@pytest.mark.parametrize("shape", [(8, 8), (28, 20)])
def test_leading_axes_are_images_of_their_own(shape):
    encoder, decoder = ConvolutionalEncoder(shape, 3, 2), ConvolutionalBernoulliDecoder(shape, 3, 2)
    initialize(encoder, decoder, "glorot", 0)
    x = torch.rand((2, 5, math.prod(shape)), generator=torch.Generator().manual_seed(0))
    q = encoder(x)
    assert q.mean.shape == q.log_var.shape == (2, 5, 3)
    torch.testing.assert_close(q.mean[1, 2], encoder(x[1, 2]).mean)
    px_z = decoder(q.mean)
    assert px_z.logits.shape == x.shape
    torch.testing.assert_close(px_z.logits[1, 2], decoder(q.mean[1, 2]).logits)
    assert px_z.log_prob(x).shape == (2, 5)


def test_the_gaussian_decoder_has_the_variance_that_is_given():
    torch.manual_seed(0)
    decoder = ConvolutionalGaussianDecoder((8, 8), 3, 2, variance=0.2).double()
    px_z, x = decoder(torch.zeros(4, 3).double()), torch.rand(4, 64).double()
    expected = torch.distributions.Normal(px_z.mean, 0.2**0.5).log_prob(x).sum(-1)
    torch.testing.assert_close(px_z.log_prob(x), expected)
    assert 0 < px_z.mean.min() < px_z.mean.max() < 1


def test_glorot_counts_the_taps_of_a_convolution():
    """The limit is that of torch.nn.init, sqrt(6 / (fan_in + fan_out)), with the sixteen kernel weights in both."""
    encoder, decoder = ConvolutionalEncoder((8, 8), 3, 4), ConvolutionalGaussianDecoder((8, 8), 3, 4)
    initialize(encoder, decoder, "glorot", 0)
    for weight in (encoder.first.weight, encoder.second.weight, decoder.first.weight, encoder.mean.weight):
        other = torch.empty_like(weight)
        torch.nn.init.xavier_uniform_(other, generator=torch.Generator().manual_seed(0))
        assert weight.abs().max().item() == pytest.approx(other.abs().max().item(), rel=0.15)
    assert encoder.first.bias.abs().max() == 0


def test_a_given_variance_has_no_network():
    encoder = ConvolutionalEncoder((8, 8), 3, 2, variance=0)
    assert isinstance(encoder(torch.rand(2, 64)), Point)
    noisy = ConvolutionalEncoder((8, 8), 3, 2, variance=0.5)(torch.rand(2, 64))
    assert isinstance(noisy, DiagonalNormal)
    assert noisy.log_var.unique().item() == pytest.approx(math.log(0.5))


def test_sides_must_be_multiples_of_four():
    with pytest.raises(UserError, match=r"model=convolutional: images of 10 x 8 pixels"):
        ConvolutionalEncoder((10, 8), 3)


@pytest.mark.parametrize(("model", "kind"), [("convolutional", DiagonalNormal), ("convolutional_bernoulli", Bernoulli)])
def test_the_yaml_builds(model, kind):
    config = settings("data=digits", f"model={model}", "latent_dim=3")
    vae = instantiate(config["model"], data_dim=64, data_shape=(8, 8))
    x = torch.rand(2, 64)
    assert isinstance(vae.decoder(vae.encoder(x).mean), kind)
    assert vae.log_joint(x, vae.encoder(x).mean).shape == (2,)


@torch.no_grad()
def test_colours_are_channels_of_the_convolutions():
    encoder, decoder = ConvolutionalEncoder((8, 4, 3), 2, 2), ConvolutionalGaussianDecoder((8, 4, 3), 2, 2)
    initialize(encoder, decoder, "glorot", 0)
    images = torch.rand((5, 3, 8, 4), generator=torch.Generator().manual_seed(0))
    x = images.permute(0, 2, 3, 1).reshape(5, -1)
    h = torch.relu(encoder.second(torch.relu(encoder.first(images))))
    z = encoder(x).mean
    torch.testing.assert_close(z, encoder.mean(h.reshape(5, -1)))
    h = torch.relu(decoder.hidden(z)).reshape(5, 4, 2, 1)
    pixels = torch.sigmoid(decoder.logits(torch.relu(decoder.first(h))))
    assert pixels.shape == images.shape
    torch.testing.assert_close(decoder(z).mean.reshape(5, 8, 4, 3), pixels.permute(0, 2, 3, 1))
