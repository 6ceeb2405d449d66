"""What networks of a user return is checked before training; the random numbers and the mode of the model stay."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from aevb.distributions import Bernoulli, DiagonalNormal
from aevb.errors import UserError
from aevb.models.base import Decoder, Encoder
from aevb.models.checks import check_parts
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE


class Own(nn.Module):
    """Returns what a function makes of a linear layer, after a draw from the global generator."""

    def __init__(self, width: int, outputs: int, function: Any) -> None:
        super().__init__()
        self.layer, self.function = nn.Linear(width, outputs), function

    def forward(self, value: Tensor) -> Any:
        torch.rand(1)
        return self.function(self.layer(value))


class OwnEncoder(Own, Encoder):
    pass


class OwnDecoder(Own, Decoder):
    pass


def normal(mean: Tensor) -> DiagonalNormal:
    return DiagonalNormal(mean, torch.zeros_like(mean))


class PerPixel(Bernoulli):
    def log_prob(self, value: Tensor) -> Tensor:
        return -nn.functional.binary_cross_entropy_with_logits(self.logits, value, reduction="none")


def model(encoder: Any = normal, decoder: Any = Bernoulli, pixels: int = 4) -> VAE:
    return VAE(OwnEncoder(4, 2, encoder), OwnDecoder(2, pixels, decoder), StandardNormal(2))


def test_what_fits_is_accepted_and_nothing_changes() -> None:
    fitting = model().train()
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    check_parts(fitting, torch.zeros(2, 4))
    assert torch.rand(1) == expected
    assert fitting.training
    check_parts(VAE(None, OwnDecoder(2, 4, Bernoulli), StandardNormal(2)), torch.zeros(2, 4))


@pytest.mark.parametrize(
    ("parts", "wrong"),
    [
        ({"decoder": torch.sigmoid}, "model.decoder: OwnDecoder returned Tensor, without log_prob, sample; allowed: "),
        (
            {"decoder": lambda logits: torch.distributions.Bernoulli(logits=logits)},
            "model.decoder: OwnDecoder returned Bernoulli of torch.distributions; allowed: a distribution with log_prob, ",
        ),
        (
            {"pixels": 3},
            "model.decoder: OwnDecoder returned means (2, 3) for z (2, 2); allowed: one for each of the 4 pixels",
        ),
        (
            {"pixels": 1},
            "model.decoder: OwnDecoder returned means (2, 1) for z (2, 2); allowed: one for each of the 4 pixels",
        ),
        (
            {"decoder": PerPixel},
            "model.decoder: OwnDecoder returned a distribution whose log_prob is (2, 4) for x (2, 4)",
        ),
        ({"encoder": lambda mean: (mean, mean)}, "model.encoder: OwnEncoder returned tuple, without log_prob, mean, "),
        ({"encoder": lambda mean: None}, "model.encoder: OwnEncoder returned NoneType, without log_prob, mean, "),
        (
            {"encoder": lambda mean: torch.distributions.Normal(mean, 1.0)},
            "model.encoder: OwnEncoder returned Normal of torch.distributions; allowed: ",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(parts: dict[str, Any], wrong: str) -> None:
    with pytest.raises(UserError) as refusal:
        check_parts(model(**parts), torch.zeros(2, 4))
    assert str(refusal.value).startswith(wrong)
    assert len(str(refusal.value).splitlines()) == 1
