"""The bound of every class at once: that of the rows with each label, whatever the encoder is."""

import pytest
import torch

from aevb.config.instantiate import instantiate
from aevb.estimators.bound_of_classes import bound_of_classes
from aevb.models.conditional import ConditionalVAE
from aevb.noise import Noise
from helpers.commands import settings

D, C, M = 64, 3, 4


def model(*overrides: str) -> ConditionalVAE:
    config = settings("data=digits", "latent_dim=2", "hidden_dim=[6,5]", "model.initialization=glorot", *overrides)
    built: ConditionalVAE = instantiate(config["model"], data_dim=D, data_shape=(8, 8), num_classes=C)
    return built.double()


@pytest.mark.parametrize(
    "overrides",
    [
        ("model=conditional",),
        ("model=conditional", "model.encoder.activation=gelu", "model.encoder.variance=0.3"),
        ("model=conditional_gaussian",),
        ("model=conditional_convolutional", "hidden_dim=6"),
    ],
)
def test_it_is_the_bound_of_rows_with_that_label(overrides: tuple[str, ...]) -> None:
    """Class by class, with the draws of the class."""
    case, samples = model(*overrides), 2
    x = torch.rand((M, D), generator=torch.Generator().manual_seed(0)).double()
    with torch.no_grad():
        bounds = bound_of_classes(case, x, Noise(0, "test", 0), samples)
        eps = Noise(0, "test", 0).normal((samples, C, M, 2), torch.float64)
        for c in range(C):
            rows = torch.cat([x, torch.eye(C).double()[c].expand(M, -1)], -1)
            qz_x = case.encoder(rows)
            z = qz_x.mean + qz_x.scale * eps[:, c]
            reconstruction, kl = case.decoder(z).log_prob(rows).mean(0), qz_x.kl(case.prior())
            torch.testing.assert_close(bounds.reconstruction[c], reconstruction)
            torch.testing.assert_close(bounds.kl[c], kl)
            torch.testing.assert_close(bounds.bound[c], reconstruction - kl)
