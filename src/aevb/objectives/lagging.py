r"""Lagging inference networks (He, Spokoyny, Neubig & Berg-Kirkpatrick 2019, algorithm 1): q(z|x) first, around any objective.

    repeat
        while aggressive, at most 100 times:                      (the inner loop)
            X^M <- random minibatch;   phi <- one step
            every 10 steps: leave if the mean bound of these 10 is not above that of the 10 before
        X^M <- random minibatch;   theta <- one step, and phi too once the phase is over
        once an epoch of theta's minibatches: I_q <- mutual information of x and z under q; the phase is over, for good, when I_q
        has not risen

Early in training q lags behind the posterior, and a decoder that can do without z learns to before q has found out what z
could say. The inner loop brings q to where it would be at these theta.

Numbers (100, 10, one look an epoch that ends the phase) are those of the authors' code. There the first inner minibatch is
the one that theta moves on, and I_q is of held-out data; here all minibatches come from the stream, and I_q is of the first
training images, at the same noise every time. What has stopped rising is the bound that the updates report, or minus the loss
if there is none.

The clock counts the minibatches that theta moved on, so that marks fall where every run has them; the inner loop's are in the
column train_presented, which is what a run cost.
"""

import math
from collections.abc import Iterator
from typing import Protocol, cast

import torch
from torch import Tensor

from aevb.estimators.mutual_information import information
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.objectives.objective import Batch, Objective, Update
from aevb.types import PositiveInt

__all__ = ["Lagging"]


class _Whole(Protocol):
    """What the mutual information asks of the stream beside its minibatches."""

    x: Tensor
    dynamic: bool


class Lagging(Objective):
    """Rounds of `objective`, theirs as they are once the aggressive phase is over.

    objective: whose updates they are; those that move theta and phi are taken as two. inner_steps: of phi for one of theta, at
    most. window: of them between two looks at the bound. images: of the training set, behind I_q. patience: looks at I_q that it
    may fail to rise above its highest, before the phase is over. The weight prior is the objective's.

    Buffers: aggressive; seen, samples of theta's minibatches; presented, of all; highest, I_q in nats; idle, looks since.
    """

    mean_over_data = False  # when to stop is asked of the whole minibatch
    aggressive: Tensor
    seen: Tensor
    presented: Tensor
    highest: Tensor
    idle: Tensor

    def __init__(
        self,
        objective: Objective,
        inner_steps: PositiveInt = 100,
        window: PositiveInt = 10,
        images: PositiveInt = 1000,
        patience: PositiveInt = 1,
    ) -> None:
        super().__init__(objective.weight_prior)
        self.weight_prior_of = objective.weight_prior_of
        self.objective = objective
        self.inner_steps, self.window, self.images, self.patience = inner_steps, window, images, patience
        self.register_buffer("aggressive", torch.tensor(True))
        self.register_buffer("highest", torch.tensor(-math.inf, dtype=torch.float64))
        for name in ("seen", "presented", "idle"):
            self.register_buffer(name, torch.zeros((), dtype=torch.int64))

    def round_samples(self, batch_size: int) -> int:
        """The objective's: the inner loop does not move the clock."""
        return self.objective.round_samples(batch_size)

    def metrics(self) -> dict[str, float]:
        """aggressive: 1 in that phase, then 0. presented: samples so far, the inner loop's too; and the objective's own."""
        mine = {"aggressive": float(self.aggressive.item()), "presented": float(self.presented.item())}
        return {**mine, **self.objective.metrics()}

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """The inner loop, then a round of the objective without phi; or a round of it."""
        before = int(self.seen)
        aggressive = bool(self.aggressive)
        if aggressive:
            yield from self._inner_loop(model, stream)
        for update in self.objective(model, stream):
            self.seen.add_(update.samples)
            self.presented.add_(update.samples)
            if not aggressive:
                yield update
            elif "theta" in update.parameter_groups:
                yield update._replace(parameter_groups=("theta",))
        if aggressive:
            data = cast(_Whole, stream)
            if int(self.seen) // len(data.x) > before // len(data.x):
                self._look(mutual_information(model, data, self.images))

    def _inner_loop(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        last, values = -math.inf, []
        for _ in range(self.inner_steps):
            for update in self.objective(model, stream):
                self.presented.add_(update.samples)
                if "phi" in update.parameter_groups:
                    values.append(update.stats.get("bound", -update.loss).detach())
                    yield update._replace(parameter_groups=("phi",), samples=0, stats={})
            if not values:
                return  # the objective has no phi to move
            if len(values) >= self.window:
                mean = torch.stack(values).mean().item()
                if mean <= last:
                    return
                last, values = mean, []

    def _look(self, found: float) -> None:
        if found > self.highest.item():
            self.highest.fill_(found)
            self.idle.zero_()
        else:
            self.idle.add_(1)
        self.aggressive.copy_(self.idle < self.patience)


@torch.no_grad()
def mutual_information(model: VAE, data: _Whole, images: int) -> float:
    """I_q(x; z) of the first `images` of the training data, nats; the noise is the same at every call."""
    x = data.x[:images]
    noise = Noise(0, "mutual information", 0, device=x.device)
    if data.dynamic:
        x = (noise.uniform(tuple(x.shape), x.dtype) < x).to(x.dtype)
    return information(model, x, noise).mutual_information.mean().item()
