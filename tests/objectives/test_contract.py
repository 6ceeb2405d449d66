"""The contract of every objective: what the training loop relies on, whatever the loss is."""

import copy
import json
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

from aevb.config import CONF
from aevb.config.instantiate import instantiate
from aevb.errors import UserError
from aevb.models.vae import VAE
from aevb.objectives.objective import Objective
from aevb.training.minibatches import Stream
from helpers.commands import settings

OPTIONS = sorted(path.stem for path in (CONF / "objective").glob("*.yaml"))
N, M, D, C = 12, 4, 16, 3  # training images, minibatch size, pixels, classes

EXTRA = {
    "lagging": ("objective.inner_steps=3",),
    "score_function": ("objective.baseline=running",),
    "semi_supervised": ("model=semi_supervised", "objective.labels=6"),
}

NO_ENCODER = ("model.encoder=null", "evaluator=ais")
REFUSED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(OPTIONS, NO_ENCODER),
    "mcem": ("data.targets=dynamic",),
    "variational_em": ("data.targets=dynamic",),
    "gan": ("objective.smoothing=2",),
    "semi_supervised": ("objective.labels=13",),
}
"""Overrides that an objective refuses, before training or at the first round."""


class Setting(NamedTuple):
    """An objective as its config describes it, with a small model and a small training set of binary images."""

    node: dict[str, Any]
    model: VAE
    objective: Objective
    stream: Stream

    @property
    def groups(self) -> dict[str, list[nn.Parameter]]:
        """The parameters behind the names in `Update.parameter_groups`, as the training loop defines them."""
        return {"theta": self.model.theta, "phi": [*self.model.phi, *self.objective.parameters()]}


def setting(option: str, *overrides: str) -> Setting:
    small = ("data=digits", "latent_dim=3", "hidden_dim=5", *EXTRA.get(option, ()), *overrides)
    config = settings(f"objective={option}", *small)
    model = instantiate(config["model"], data_dim=D, data_shape=(4, 4), num_classes=C).double()
    objective = instantiate(config["objective"], data_dim=D, n_train=N).double()
    x = torch.rand((N, D), generator=torch.Generator().manual_seed(0)).round().double()
    if model.conditional:
        x = torch.cat([x, torch.eye(C).double()[torch.arange(N) % C]], 1)
    stream = Stream(x, M, seed=0, dynamic=config["data"]["targets"] == "dynamic")
    return Setting(config["objective"], model, objective, stream)


def train(case: Setting, rounds: int) -> list[tuple[Tensor, dict[str, Tensor]]]:
    """Take gradient steps with the updates of some rounds; return their losses and stats."""
    results = []
    for _ in range(rounds):
        for update in case.objective(case.model, case.stream):
            moved = [parameter for name in update.parameter_groups for parameter in case.groups[name]]
            gradients = torch.autograd.grad(update.loss, moved)
            with torch.no_grad():
                for parameter, gradient in zip(moved, gradients, strict=True):
                    parameter.sub_(0.01 * gradient)
            results.append((update.loss.detach(), dict(update.stats)))
    return results


@pytest.mark.parametrize("option", OPTIONS)
def test_samples_of_a_round_add_up(option: str) -> None:
    case = setting(option)
    for _ in range(2):
        updates = list(case.objective(case.model, case.stream))
        assert sum(update.samples for update in updates) == case.objective.round_samples(M)


@pytest.mark.parametrize("option", OPTIONS)
def test_exactly_the_named_groups_are_updated(option: str) -> None:
    """The loss depends on every parameter of its groups, and the objective itself changes no parameter."""
    case = setting(option)
    train(case, rounds=1)  # a last layer that starts at zero gives the layer below no gradient
    every = [*case.model.parameters(), *case.objective.parameters()]
    named = set()
    before = [parameter.detach().clone() for parameter in every]
    for update in case.objective(case.model, case.stream):
        named |= set(update.parameter_groups)
        assert set(update.parameter_groups) <= {"theta", "phi"}
        gradients = torch.autograd.grad(
            update.loss, [parameter for name in update.parameter_groups for parameter in case.groups[name]]
        )
        assert all(gradient.isfinite().all() and gradient.any() for gradient in gradients)
    assert all(parameter.grad is None for parameter in every)
    assert all(torch.equal(old, new) for old, new in zip(before, every, strict=True))
    in_groups = {id(parameter) for name in named for parameter in case.groups[name]}
    assert in_groups == {id(parameter) for parameter in every}  # nothing is left untrained


@pytest.mark.parametrize("option", OPTIONS)
def test_losses_and_stats_are_finite_scalars(option: str) -> None:
    for loss, stats in train(setting(option), rounds=3):
        assert loss.shape == ()
        assert loss.isfinite()
        for name, value in stats.items():
            assert value.shape == (), name
            assert value.isfinite(), name
            assert not value.requires_grad, name


@pytest.mark.parametrize("option", OPTIONS)
def test_the_reported_parts_add_up_to_the_bound(option: str) -> None:
    """They are written into metrics.csv beside one another: bound = reconstruction - KL(q(z|x)) - KL(q(theta)) / N.

    "kl" is that of the bound, whatever the loss makes of it. Where it is estimated, all three are of the same draws.
    """
    extra = {"beta_vae": ("objective.beta=3", "objective.free_bits=2"), "sgvb_a": ("objective.beta=3",)}
    whole = 0
    for _, stats in train(setting(option, *extra.get(option, ())), rounds=2):
        if {"bound", "reconstruction", "kl"} <= stats.keys():
            parts = stats["reconstruction"] - stats["kl"] - stats.get("kl_theta", 0)
            torch.testing.assert_close(stats["bound"], parts, rtol=1e-9, atol=1e-9)
            assert stats["reconstruction"] <= 0  # log-masses of binary images
            whole += 1
    without = ("autoencoder", "gan", "mcem", "wake_sleep")  # a new objective without a lower bound is named here
    assert (whole == 0) == (option in without), (
        "Update.stats has bound, reconstruction and kl, if there is a lower bound"
    )


@pytest.mark.parametrize("option", OPTIONS)
def test_a_saved_state_continues_to_the_same_bits(option: str) -> None:
    case = setting(option)
    train(case, rounds=2)
    fresh = setting(option)._replace(model=copy.deepcopy(case.model))
    fresh.objective.load_state_dict(copy.deepcopy(case.objective.state_dict()))
    fresh.stream.position = case.stream.position
    expected, actual = train(case, rounds=2), train(fresh, rounds=2)
    assert len(actual) == len(expected)
    for (loss, stats), (expected_loss, expected_stats) in zip(actual, expected, strict=True):
        assert torch.equal(loss, expected_loss)
        assert stats == expected_stats
    for name, value in case.objective.state_dict().items():
        assert torch.equal(fresh.objective.state_dict()[name].nan_to_num(), value.nan_to_num()), name


@pytest.mark.parametrize("option", OPTIONS)
def test_settings_and_metrics_are_json(option: str) -> None:
    case = setting(option)
    train(case, rounds=1)
    assert json.loads(json.dumps(case.node)) == case.node
    metrics = case.objective.metrics()
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics


@pytest.mark.parametrize("option", OPTIONS)
def test_a_refusal_is_a_user_error_of_one_line(option: str) -> None:
    with pytest.raises(UserError) as refusal:
        train(setting(option, *REFUSED[option]), rounds=1)
    message = str(refusal.value)
    assert "\n" not in message
    assert "; allowed: " in message


@pytest.mark.parametrize("option", ["beta_vae", "dreg"])
def test_a_family_without_its_formula_is_refused(option: str) -> None:
    """Both use the density of a diagonal normal, which would give wrong numbers for another family without complaint."""
    with pytest.raises(
        UserError, match=rf"^model/encoder=laplace: objective={option} needs a normal q\(z\|x\); allowed: "
    ):
        train(setting(option, "model/encoder=laplace", "model/prior=laplace"), rounds=1)
