"""Optimizers of torch that cannot train a model of this kind are refused before the run has files."""

import pytest
import torch

from aevb.errors import UserError
from aevb.training.first_step import check_takes_step


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(torch.optim.SparseAdam, "does not support dense gradients"), (torch.optim.LBFGS, "closure")],
)
def test_an_optimizer_that_takes_no_step_is_refused_in_one_line(kind, reason):
    with pytest.raises(UserError, match=rf"^optimizer: {kind.__name__} cannot take a step \(.*{reason}") as caught:
        check_takes_step(lambda groups: kind([p for group in groups for p in group["params"]]), groups())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam, torch.optim.Rprop, torch.optim.ASGD])
def test_the_parameters_and_the_generator_stay_as_they_are(kind):
    parameters, before = groups(), torch.get_rng_state()
    check_takes_step(kind, parameters)
    (parameter,) = parameters[0]["params"]
    assert parameter.grad is None
    assert torch.equal(parameter, torch.ones(2, 3))
    assert torch.equal(torch.get_rng_state(), before)


def groups():
    return [{"params": [torch.nn.Parameter(torch.ones(2, 3))]}]
