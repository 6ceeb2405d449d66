"""The paper's MAP term as training applies it: p(w) = N(0, 1/precision), once for the whole data set."""

import pytest
import torch

from aevb.objectives.sgvb_b import SGVB_B
from aevb.training.minibatches import Stream
from aevb.training.module import Training
from aevb.training.running_mean import RunningMean
from helpers.oracles import data, linear_gaussian


@pytest.mark.parametrize("precision", [0.0, 1.0, 3.0])
def test_the_weight_prior_adds_its_gradient_divided_by_n(precision):
    """Where the loss has no gradient, one step of gradient descent at learning rate 1 is the gradient of log p(w) / N itself."""
    model, x = linear_gaussian(), data(7)
    objective, stream = SGVB_B(weight_prior=precision), Stream(x, batch_size=7, seed=0)
    module = Training(model, objective, stream, lambda groups: torch.optim.SGD(groups, lr=1.0), RunningMean(7))
    scale = precision**-0.5 if precision else 1e9  # as good as flat
    weights = [p for p in model.parameters() if p.dim() > 1]
    log_pw = sum(torch.distributions.Normal(0, scale).log_prob(w).sum() for w in weights)
    slopes = torch.autograd.grad(log_pw / len(x), weights)
    expected = {w: w.detach() + slope for w, slope in zip(weights, slopes, strict=True)}
    expected |= {p: p.detach().clone() for p in model.parameters() if p.dim() <= 1}

    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    for optimizer in module.configure_optimizers():
        optimizer.step()
    for parameter in model.parameters():
        torch.testing.assert_close(parameter.detach(), expected[parameter])
