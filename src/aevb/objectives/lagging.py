r"""Aggressive training of the inference network around any objective.

He, Spokoyny, Neubig & Berg-Kirkpatrick 2019, algorithm 1:

    repeat
        while aggressive, at most 100 times:                      (the inner loop)
            X^M <- random minibatch;   phi <- one step
            every 10 steps: leave the loop if the mean bound of these 10 is not above that of the 10 before
        X^M <- random minibatch;   theta <- one step, and phi too after the aggressive phase
        once per epoch of the minibatches of theta: I_q <- mutual information of x and z under q;
        the aggressive phase ends, for good, when I_q has not risen (`patience` = 1)

Early in training q(z|x) lags behind the posterior, and a decoder that can model x without z learns
to do so before q makes z informative. The inner loop brings q close to its optimum for the present
theta.

The constants 100 and 10 are those of the authors' code, as is one check per epoch. There the phase ends
with the fifth check at which I_q is below its maximum (images), or when I_q changes by less than a
threshold (text); algorithm 1 ends it at the first. There the first inner minibatch is also the one of
theta's step, and I_q is computed on held-out data. Here all minibatches come from the stream, and I_q
is computed on the first training images, with the same noise every time. The bound of the inner loop
is the one that the updates report, or minus the loss if they report none.

samples_seen counts the minibatches of theta only, so that evaluation points are those of every
other run. The column train_presented counts the minibatches of the inner loop too, which is the
cost of the run.
"""

import math
from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor

from aevb.distributions import Bernoulli
from aevb.estimators.mutual_information import information
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.objectives.objective import Batch, Objective, TrainingData, Update, require_diagonal_normal
from aevb.types import PositiveInt

__all__ = ["Lagging"]


class Lagging(Objective):
    """Rounds of another objective, with an inner loop over phi during the aggressive phase.

    The precision of the weight prior and its parameter groups are those of the other objective.

    Args:
        objective: The objective to train; an update of theta and phi together is split into two.
        inner_steps: Largest number of steps of phi for one step of theta.
        window: Number of inner steps whose mean bound is compared.
        images: Number of training images on which I_q is computed.
        patience: Number of checks at which I_q may fail to exceed its maximum before the aggressive
            phase ends.

    Attributes:
        aggressive: Buffer, whether the aggressive phase continues.
        seen: Buffer, number of samples in the minibatches of theta.
        presented: Buffer, number of samples in all minibatches.
        highest: Buffer, the maximum of I_q so far, nats.
        idle: Buffer, number of checks since that maximum.
    """

    no_trained_prior = "watches I(x; z), which has a formula for a normal p(z) only"
    in_turns = True
    mean_over_data = False  # the inner loop ends by the bound of the whole minibatch
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
        """Return the training samples of a round of the wrapped objective.

        The inner loop adds none to samples_seen.

        Args:
            batch_size: M, the images of a minibatch.
        """
        return self.objective.round_samples(batch_size)

    def metrics(self) -> dict[str, float]:
        """Return aggressive (1 or 0), presented (all samples so far) and the metrics of the objective."""
        metrics = {"aggressive": float(self.aggressive.item()), "presented": float(self.presented.item())}
        return {**metrics, **self.objective.metrics()}

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield the updates of one round (see `Objective.forward`).

        In the aggressive phase it is the inner loop, then a round of the objective without phi; afterwards a plain round.

        Raises:
            UserError: q(z|x) or p(z) is of a family for which the formula of I_q does not hold.
        """
        seen_before = int(self.seen)
        aggressive = bool(self.aggressive)
        if aggressive:
            if not seen_before:
                self._require_mutual_information(model, stream)
            yield from self._inner_loop(model, stream)
        for update in self.objective(model, stream):
            self.seen.add_(update.samples)
            self.presented.add_(update.samples)
            if not aggressive:
                yield update
            elif "theta" in update.parameter_groups:
                yield update._replace(parameter_groups=("theta",))
        if aggressive:
            data = cast(TrainingData, stream)
            if int(self.seen) // len(data.x) > seen_before // len(data.x):
                self._check(mutual_information(model, data, self.images))

    def _require_mutual_information(self, model: VAE, stream: Iterator[Batch]) -> None:
        # Its formula holds for a diagonal normal, or a Bernoulli, q(z|x) and p(z).
        with torch.no_grad():
            qz_x, pz = model.encoder(cast(TrainingData, stream).x[:1]), model.prior()
        if not (isinstance(qz_x, Bernoulli) and isinstance(pz, Bernoulli)):
            require_diagonal_normal("lagging", qz_x)
            require_diagonal_normal("lagging", pz)

    def _inner_loop(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        previous_mean, values = -math.inf, []
        # A warm-up of the KL divergence goes by samples_seen, to which the inner loop adds none.
        clock = getattr(self.objective, "seen", torch.zeros(()))
        seen = clock.clone()
        for _ in range(self.inner_steps):
            for update in self.objective(model, stream):
                clock.copy_(seen)
                self.presented.add_(update.samples)
                if "phi" in update.parameter_groups:
                    values.append(update.stats.get("bound", -update.loss).detach())
                    yield update._replace(parameter_groups=("phi",), samples=0, stats={})
            if not values:
                return  # the objective does not update phi
            if len(values) >= self.window:
                mean = torch.stack(values).mean().item()
                if mean <= previous_mean:
                    return
                previous_mean, values = mean, []

    def _check(self, mutual_information: float) -> None:
        if mutual_information > self.highest.item():
            self.highest.fill_(mutual_information)
            self.idle.zero_()
        else:
            self.idle.add_(1)
        self.aggressive.copy_(self.idle < self.patience)


@torch.no_grad()
def mutual_information(model: VAE, data: TrainingData, images: int) -> float:
    """Return the mutual information I_q(x; z) of the first training images; the noise is the same at every call.

    Args:
        model: The model whose q(z|x) is used.
        data: The training images `x`, (N, D), and whether they are binarised anew at every
            presentation (`dynamic`).
        images: Number of images.

    Returns:
        The mutual information in nats.
    """
    x = data.x[:images]
    noise = Noise(0, "mutual information", 0, device=x.device)
    if data.dynamic:
        x = (noise.uniform(tuple(x.shape), x.dtype) < x).to(x.dtype)
    return information(model, x, noise).mutual_information.mean().item()
