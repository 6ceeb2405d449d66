"""What an objective of a user yields is checked in its first round, in one line that names its class."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from aevb.errors import UserError
from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.gaussian import GaussianEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update
from aevb.training.engines.autograd import Autograd
from helpers.objectives import minibatches

BOTH = ("theta", "phi")
ALLOWED = "allowed: yield Update(loss, parameter_groups, samples, stats) with a scalar loss that has a gradient, groups among "


class Returns(Objective):
    """Returns what a function makes of the loss of a minibatch, instead of yielding it."""

    def __init__(self, make: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.make = make

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Any:
        """Return what the function makes of the loss."""
        return self.make(loss_of(model, next(stream)))


class Yields(Returns):
    """Yields what a function makes of the loss, after a number of correct updates."""

    def __init__(self, make: Callable[[Tensor], Any], correct: int = 0) -> None:
        super().__init__(make)
        self.correct = correct

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Any]:
        """Yield what the function makes of the loss."""
        for _ in range(self.correct):
            yield Update(loss_of(model, next(stream)), BOTH, 4, {})
        yield self.make(loss_of(model, next(stream)))


class YieldsNothing(Objective):
    """A round without an update, which would be followed by others for ever."""

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield nothing."""
        yield from ()


def loss_of(model: VAE, batch: Batch) -> Tensor:
    qz_x = model.encoder(batch.x)
    return -model.log_joint(batch.x, qz_x.rsample(batch.noise)).mean()


def gaussian_model() -> VAE:
    return VAE(GaussianEncoder(6, 2, 3), BernoulliDecoder(6, 2, 3), StandardNormal(2), "glorot")


def train_one_round(objective: Objective, model: VAE, engine: Autograd | None = None) -> list[Update]:
    engine = engine or Autograd(objective, {"theta": model.theta, "phi": model.phi})
    return list(engine(model, minibatches(torch.ones(4, 6))))


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (Returns(lambda loss: loss), "Returns: returned a Tensor of shape ()"),
        (Returns(lambda loss: None), "Returns: returned a NoneType"),
        (Returns(lambda loss: Update(loss, BOTH, 4, {})), "Returns: returned an Update"),
        (YieldsNothing(), "YieldsNothing: yielded nothing"),
        (Yields(lambda loss: Update(loss, BOTH, 0, {})), "Yields: yielded samples=0 in a round"),
        (Yields(lambda loss: loss), "Yields: yielded a Tensor of shape ()"),
        (Yields(lambda loss: (loss, BOTH, 4, {})), "Yields: yielded a tuple"),
        (Yields(lambda loss: loss, correct=1), "Yields: yielded a Tensor of shape ()"),
        (Yields(lambda loss: Update(loss.item(), BOTH, 4, {})), "Yields: yielded an Update whose loss is a float"),
        (
            Yields(lambda loss: Update(loss.expand(3), BOTH, 4, {})),
            "Yields: yielded an Update whose loss is a Tensor of shape (3,)",
        ),
        (
            Yields(lambda loss: Update(loss.detach(), BOTH, 4, {})),
            "Yields: yielded an Update whose loss has no gradient",
        ),
        (
            Yields(lambda loss: Update(loss, ("thetas",), 4, {})),
            "Yields: yielded an Update with parameter_groups=('thetas',)",
        ),
        (Yields(lambda loss: Update(loss, (), 4, {})), "Yields: yielded an Update with parameter_groups=()"),
        (
            Yields(lambda loss: Update(loss, "theta", 4, {})),
            "Yields: yielded an Update whose parameter_groups are a str",
        ),
        (Yields(lambda loss: Update(loss, BOTH, {}, 4)), "Yields: yielded an Update whose samples are a dict"),
        (Yields(lambda loss: Update(loss, BOTH, 4, [loss])), "Yields: yielded an Update whose stats are a list"),
        (
            Yields(lambda loss: Update(loss, BOTH, 4, {"bound": 0.5})),
            "Yields: yielded an Update whose bound is a float",
        ),
    ],
)
def test_a_wrong_update_is_refused_in_one_line(objective: Objective, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(f"{message}; {ALLOWED}theta and phi")) as error:
        train_one_round(objective, gaussian_model())
    assert "\n" not in str(error.value)


def test_a_group_without_parameters_is_not_allowed() -> None:
    model = VAE(None, BernoulliDecoder(6, 2, 3), StandardNormal(2), "glorot")
    objective = Yields(lambda loss: Update(loss, BOTH, 4, {}))
    objective.forward = lambda model, stream: iter([Update(model.decoder.logits.bias.sum(), BOTH, 4, {})])  # type: ignore
    with pytest.raises(UserError, match=re.escape(f"parameter_groups={BOTH}; {ALLOWED}theta, an integer")):
        train_one_round(objective, model)


def test_only_the_first_round_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    model, objective = gaussian_model(), Yields(lambda loss: Update(loss, BOTH, 4, {}), correct=1)
    engine = Autograd(objective, {"theta": model.theta, "phi": model.phi})
    assert len(train_one_round(objective, model, engine)) == 2
    monkeypatch.setattr("aevb.training.engines.autograd.checked", None)
    assert len(train_one_round(objective, model, engine)) == 2
