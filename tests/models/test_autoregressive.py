"""The autoregressive decoder compared to the enumeration of all images, and its draws too."""

from itertools import product

import pytest
import torch

from aevb.models.autoregressive import AutoregressiveDecoder
from aevb.noise import Noise
from helpers.oracles import fill
from helpers.statistics import assert_mean

D = 4
IMAGES = torch.tensor(list(product((0.0, 1.0), repeat=D))).double()


@pytest.fixture(params=[0, 1, 5], ids="{} masked units".format)
def decoder(request):
    network = AutoregressiveDecoder(D, 2, 3, context_dim=request.param).double()
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        fill(parameter, 0.8 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return lambda: network


Z = torch.tensor([[0.3, -1.0], [2.0, 0.5], [0.0, 0.0]]).double()


def test_probabilities_of_all_images_sum_to_one(decoder):
    log_prob = decoder()(Z[:, None]).log_prob(IMAGES)
    assert log_prob.shape == (3, len(IMAGES))
    torch.testing.assert_close(log_prob.exp().sum(1), torch.ones(3).double(), rtol=1e-12, atol=0)


def test_a_pixel_sees_those_before_it(decoder):
    network, x = decoder(), IMAGES[11]
    units = network.context.hidden_dim
    f = network.logits(torch.tanh(network.hidden(Z[:1])))[0]
    expected = 0.0
    for d in range(D):
        logit = f[d] + sum(network.context.direct[d, c] * x[c] for c in range(d))
        for k in range(units):
            last = k * (D - 1) // units
            if last < d:
                before = sum(network.context.inner[k, c] * x[c] for c in range(last + 1))
                logit = logit + network.context.outer[d, k] * torch.tanh(before + network.context.bias[k])
        expected += torch.distributions.Bernoulli(logits=logit).log_prob(x[d])
    torch.testing.assert_close(network(Z[:1]).log_prob(x)[0], expected, rtol=1e-12, atol=0)


def test_draws_have_the_frequencies_of_the_probabilities(decoder):
    """20,000 draws for each of three z (helpers/statistics.py)."""
    px_z = decoder()(Z)
    draws = px_z.sample(Noise(0, "draws", 0), 20_000)
    assert draws.shape == (20_000, 3, D)
    number = (draws @ torch.tensor([8.0, 4.0, 2.0, 1.0]).double()).long()
    one_hot = torch.nn.functional.one_hot(number, len(IMAGES)).double()
    assert_mean(one_hot, decoder()(Z[:, None]).log_prob(IMAGES).exp())


def test_the_first_pixels_mean_is_exact(decoder):
    px_z = decoder()(Z)
    exact = decoder()(Z[:, None]).log_prob(IMAGES).exp() @ IMAGES
    torch.testing.assert_close(px_z.mean[:, 0], exact[:, 0], rtol=1e-12, atol=0)
    assert px_z.mean.shape == (3, D)
