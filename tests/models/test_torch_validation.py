"""Parameters of torch's distributions that overflow are those of a z without density; others are mistakes."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch import distributions as td

from aevb.evaluators.ais import AIS
from aevb.evaluators.blocks import run_over
from aevb.evaluators.importance import Importance
from aevb.evaluators.quadrature import Quadrature
from aevb.evaluators.reciprocal import Reciprocal
from aevb.models.adapters import from_torch_distributions
from aevb.models.torch_validation import with_extreme_parameters
from aevb.models.vae import VAE

RATE = torch.tensor([[2.0, -1.0, 0.5, 1.0]])


def counts_model(decoder: Callable[[Tensor], td.Distribution]) -> VAE:
    prior = td.Normal(torch.zeros(1), torch.ones(1))
    return from_torch_distributions(lambda x: td.Normal(0.5 * torch.ones(len(x), 1), 1.2), decoder, prior)


@pytest.mark.parametrize(
    "evaluator", [AIS(temperatures=100), Reciprocal(samples=50, leapfrogs=10)], ids=["ais", "reciprocal"]
)
@pytest.mark.parametrize(
    "decoder",
    [
        lambda z: td.Poisson((z @ RATE).exp()),
        lambda z: td.Independent(td.Normal(z @ RATE, (5 * z @ RATE).exp()), 1),
        lambda z: td.Beta((z @ RATE).exp(), (-z @ RATE).exp()),
    ],
    ids=["Poisson", "Normal", "Beta"],
)
def test_a_trajectory_where_a_parameter_overflows_is_rejected(
    evaluator: Any, decoder: Callable[[Tensor], td.Distribution]
) -> None:
    """torch raises there. Of four images each estimate is within six of its errors, or one nat, of quadrature."""
    x = torch.tensor([[1.0, 2.0, 0.0, 1.0], [3.0, 0.0, 1.0, 2.0], [0.0, 0.0, 0.0, 0.0], [9.0, 0.0, 2.0, 3.0]])
    x = (x + 1) / 12 if isinstance(decoder(torch.zeros(1, 1)), td.Beta) else x
    model = counts_model(decoder)
    truth = run_over(Quadrature(tolerance=1e-3), model, x, seed=0).values["log_px"]
    record = run_over(evaluator, model, x, seed=0)
    error = (6 * record.values["monte_carlo_error"]).clamp(min=1)
    assert ((record.values["log_px"] - truth).abs() < error).all()


def test_a_wrong_parameter_is_still_refused_by_torch() -> None:
    """A log-variance as the scale is a mistake, and no overflow."""
    with pytest.raises(ValueError, match="Expected parameter scale"):
        run_over(
            Importance(samples=5), counts_model(lambda z: td.Normal(z @ RATE, z @ RATE - 1)), torch.ones(3, 4), seed=0
        )


def test_the_setting_of_torch_is_as_before() -> None:
    before = td.Distribution._validate_args
    made, is_extreme = with_extreme_parameters(
        lambda: td.Normal(torch.tensor([torch.inf, 0.0]), torch.tensor([1.0, 0.0]))
    )
    assert is_extreme
    assert made.loc.tolist() == [torch.inf, 0.0]
    assert td.Distribution._validate_args is before
    assert not with_extreme_parameters(lambda: td.Normal(0.0, 1.0))[1]
