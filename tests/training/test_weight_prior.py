"""The paper's MAP term as training applies it: p(w) = N(0, 1/precision), once for the whole data set."""

import pytest
import torch

import aevb
from aevb.errors import UserError
from aevb.objectives.sgvb_b import SGVB_B
from aevb.training.minibatches import Stream
from aevb.training.module import Training
from aevb.training.running_mean import RunningMean
from aevb.training.weight_prior import check_has_decay, with_own_decay, with_weight_prior
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


def test_a_weight_decay_of_the_optimizer_acts_or_is_refused():
    """The groups of the prior had precedence: optimizer.weight_decay=5 trained the same bits as none."""
    parameters = [torch.nn.Parameter(torch.ones(2, 2)), torch.nn.Parameter(torch.ones(2))]
    with pytest.raises(
        UserError, match=r"^optimizer\.weight_decay=5\.0: without effect .*try: objective\.weight_prior=0$"
    ):
        with_own_decay(with_weight_prior(parameters, 0.1), 5.0)
    groups = with_own_decay(with_weight_prior(parameters, 0.0), 5.0)
    optimizer = torch.optim.AdamW(groups, lr=0.1, weight_decay=5.0)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [5.0, 5.0]
    default = torch.optim.AdamW(with_own_decay(with_weight_prior(parameters, 0.0), None)).param_groups
    assert [group["weight_decay"] for group in default] == [0.01, 0.01]  # torch's, which was 0 without a word
    assert with_own_decay(with_weight_prior(parameters, 0.1), None)[0]["weight_decay"] == 0.1


def test_an_optimizer_without_a_weight_decay_is_refused_beside_a_prior():
    parameters = [torch.nn.Parameter(torch.ones(2, 2))]
    groups = with_weight_prior(parameters, 0.1)
    with pytest.raises(UserError, match=r"optimizer: Rprop has no weight_decay"):
        check_has_decay(torch.optim.Rprop(groups), groups)
    check_has_decay(torch.optim.SGD(groups, lr=0.1), groups)
    groups = with_weight_prior(parameters, 0.0)
    check_has_decay(torch.optim.Rprop(groups), groups)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            ("optimizer._target_=torch.optim.RMSprop", "+optimizer.weight_decay=5.0"),
            "optimizer.weight_decay=5.0: without effect",
        ),
        (("optimizer._target_=torch.optim.Rprop", "~optimizer.momentum"), "optimizer: Rprop has no weight_decay"),
        (
            ("optimizer._target_=torch.optim.Muon", "objective.weight_prior=0"),
            "optimizer: Muon refuses what it is given",
        ),
        (("optimizer._target_=torch.optim.SGD", "optimizer.lr=-1"), "optimizer: SGD refuses .*Invalid learning rate"),
    ],
)
def test_a_run_says_so_in_one_line(changes, message, tmp_path):
    where = {"output_dir": str(tmp_path), "trusted": "torch.optim", "progress": False}
    with pytest.raises(UserError, match=message) as caught:
        aevb.train(
            "data=digits", "latent_dim=2", "hidden_dim=20", "max_samples=100", "optimizer=sgd", *changes, **where
        )
    assert "\n" not in str(caught.value)
