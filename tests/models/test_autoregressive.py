"""The autoregressive decoder against enumeration of all images, and its draws against that."""

from itertools import product

import torch

from aevb.models.autoregressive import AutoregressiveDecoder
from aevb.noise import Noise
from oracles import fill
from statistics_ import assert_mean

D = 4
IMAGES = torch.tensor(list(product((0.0, 1.0), repeat=D))).double()


def decoder():
    found = AutoregressiveDecoder(D, 2, 3).double()
    generator = torch.Generator().manual_seed(0)
    for parameter in found.parameters():
        fill(parameter, 1.5 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return found


Z = torch.tensor([[0.3, -1.0], [2.0, 0.5], [0.0, 0.0]]).double()


def test_probabilities_of_all_images_sum_to_one():
    log_prob = decoder()(Z[:, None]).log_prob(IMAGES)
    assert log_prob.shape == (3, len(IMAGES))
    torch.testing.assert_close(log_prob.exp().sum(1), torch.ones(3).double(), rtol=1e-12, atol=0)


def test_a_pixel_is_a_logistic_regression_on_those_before_it():
    found, x = decoder(), IMAGES[11]
    f = found.logits(torch.tanh(found.hidden(Z[:1])))[0]
    expected = 0.0
    for d in range(D):
        logit = f[d] + sum(found.context[d, c] * x[c] for c in range(d))
        expected += torch.distributions.Bernoulli(logits=logit).log_prob(x[d])
    torch.testing.assert_close(found(Z[:1]).log_prob(x)[0], expected, rtol=1e-12, atol=0)


def test_draws_have_the_frequencies_of_the_probabilities():
    """20,000 draws for each of three z (statistics_.py)."""
    px_z = decoder()(Z)
    draws = px_z.sample(Noise(0, "draws", 0), 20_000)
    assert draws.shape == (20_000, 3, D)
    number = (draws @ torch.tensor([8.0, 4.0, 2.0, 1.0]).double()).long()
    one_hot = torch.nn.functional.one_hot(number, len(IMAGES)).double()
    assert_mean(one_hot, decoder()(Z[:, None]).log_prob(IMAGES).exp())


def test_the_first_pixels_mean_is_exact():
    px_z = decoder()(Z)
    exact = decoder()(Z[:, None]).log_prob(IMAGES).exp() @ IMAGES
    torch.testing.assert_close(px_z.mean[:, 0], exact[:, 0], rtol=1e-12, atol=0)
    assert px_z.mean.shape == (3, D)
