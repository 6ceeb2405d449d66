"""The evaluator of shapes on decoders whose pictures are known; AIS under a stated observation noise."""

import math

import pytest
import torch
from torch import nn

from aevb.data.digits import Digits
from aevb.data.shapes import Shapes as Data
from aevb.distributions import DiagonalNormal
from aevb.errors import UserError
from aevb.evaluators.ais import AIS
from aevb.evaluators.bdmc import BDMC
from aevb.evaluators.blocks import run_over
from aevb.evaluators.shapes import Shapes
from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.gaussian_observation import with_gaussian_observation
from aevb.models.linear import LinearGaussianDecoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from helpers.oracles import data, linear_gaussian
from helpers.statistics import assert_mean


class Lookup(nn.Module):
    """z_1 is the place of an image among `images`, counted backwards for what is drawn from the prior."""

    def __init__(self, images):
        super().__init__()
        self.images = images

    def forward(self, z):
        index = z[:, 0].round().long() % len(self.images)
        return DiagonalNormal(self.images[index], torch.zeros_like(self.images[index]))


class IndexEncoder(nn.Module):
    def __init__(self, shift=0):
        super().__init__()
        self.shift = shift

    def forward(self, x):
        index = torch.arange(len(x)).float()[:, None] + self.shift
        return DiagonalNormal(index.expand(-1, 2), torch.zeros(len(x), 2))


def pictures(images, x, shift=0):
    return run_over(Shapes(), VAE(IndexEncoder(shift), Lookup(images), StandardNormal(2)), x, seed=0)


def test_perfect_and_blank_and_swapped_pictures():
    test = Data(n_train=1).load().test
    x = torch.from_numpy(test.x[:60])
    perfect = pictures(x, x)
    assert perfect.mean() == perfect.mean("recognisable_sample") == perfect.mean("recognisable_original") == 1
    assert sum(perfect.summary["sample_kinds"].values()) == 60
    blank = pictures(torch.full_like(x, 0.4), x)
    assert blank.mean() == blank.mean("recognisable_sample") == 0
    swapped = pictures(x, x, shift=1)  # whole shapes, and mostly not that of the original
    same = (test.label[:60] == test.label[[*range(1, 60), 0]]).mean()
    assert swapped.mean() == pytest.approx(same)
    assert swapped.mean("recognisable_sample") == 1


def test_images_must_be_square():
    with pytest.raises(UserError, match="evaluator=shapes: images of 5 pixels"):
        run_over(Shapes(), linear_gaussian(), data(), seed=0)


@pytest.mark.parametrize("targets", ["grey", "dynamic", "threshold"])
def test_images_must_be_shapes(targets):
    model = VAE(None, BernoulliDecoder(4, 2, 3), StandardNormal(2))
    Shapes().check_images(model, torch.from_numpy(Data(n_train=1, targets=targets).load().test.x))
    digits = torch.from_numpy(Digits().load().test.x)
    with pytest.raises(UserError, match=r"evaluator=shapes: \d of the first 200 images are rectangles"):
        Shapes().check_images(model, digits)


@pytest.mark.parametrize("sigma", [0.5, 1.2])
def test_ais_under_a_stated_noise_is_of_the_linear_model_with_it(sigma):
    """E[w] = p(x), with p(x) = N(x; b, W W' + sigma^2 I): 400 estimates of one point, each of eight chains (statistics_.py)."""
    model, x = linear_gaussian(), data(1)
    other = LinearGaussianDecoder(5, 2).double()
    other.load_state_dict(model.decoder.state_dict())
    with torch.no_grad():
        other.log_var.fill_(2 * math.log(sigma))
    evaluator = AIS(temperatures=60, chains=8, leapfrogs=2, batch_size=3200, observation_sigma=sigma)
    result = run_over(evaluator, VAE(None, model.decoder, model.prior), x.repeat(400, 1), seed=0)
    assert_mean((result.values["log_px"] - other.marginal().log_prob(x)).exp(), 1.0)
    assert with_gaussian_observation(model, sigma).encoder is model.encoder


def test_the_noise_is_written_down():
    evaluator = AIS(observation_sigma=0.3)
    assert evaluator.settings["observation_sigma"] == 0.3
    assert evaluator.suffix.endswith("-sigma0.3")
    assert AIS().suffix == "-t500-c8-l2"
    assert "observation_sigma" not in AIS().settings
    model = VAE(None, BernoulliDecoder(4, 2, 3), StandardNormal(2))
    assert (evaluator.likelihood(model), AIS().likelihood(model)) == ("gaussian", "bernoulli")


def test_bidirectional_monte_carlo_has_it_too():
    """Upper and lower bound of images that were simulated with that noise; with the model's own they are others."""
    own, noisy = (
        run_over(BDMC(temperatures=100, chains=4, observation_sigma=sigma), linear_gaussian(), data(20), seed=0)
        for sigma in (None, 0.3)
    )
    assert -0.2 < noisy.mean() < 0.5
    assert noisy.mean("lower") > own.mean("lower") + 1
