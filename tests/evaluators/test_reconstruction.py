"""The error of a reconstruction is of the pixels: the label of a conditional model is no pixel."""

import pytest
import torch

from aevb.config.instantiate import instantiate
from aevb.evaluators.reconstruction import Reconstruction
from aevb.noise import Noise
from helpers.commands import settings


@pytest.mark.parametrize("model", ["bernoulli", "conditional"])
def test_the_error_is_that_of_the_pixels_at_the_mean_of_q(model: str) -> None:
    config = settings("data=digits", f"model={model}", "latent_dim=2", "hidden_dim=5", "model.initialization=glorot")
    more = {"num_classes": 3} if model == "conditional" else {}
    vae = instantiate(config["model"], data_dim=4, data_shape=(2, 2), **more).double()
    pixels = torch.rand((3, 4), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = torch.cat([pixels, torch.eye(3).double()], -1) if more else pixels
    values = Reconstruction().values(vae, x, Noise(0, "r", 0))
    with torch.no_grad():
        mean = vae.decode(vae.encoder(x).mean, x).mean
    torch.testing.assert_close(values["squared_error"], (pixels - mean).square().sum(-1))
    torch.testing.assert_close(values["mean_square_error"], (pixels - mean).square().mean(-1))
