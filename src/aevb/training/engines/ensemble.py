r"""The engine of several runs in one process: their gradients are computed in batched matrix products.

Every member is an ordinary run in a thread of its own, with its own stream, noise, optimizers, clock,
evaluation points and files. Only the gradients of a step are computed together, when every member has
submitted its minibatch. One thread runs at a time, until it waits for the others, so the threads do not
compete for the processor.

Members have layers of the same shape, except that a smaller latent space is padded with zeros: zero rows
of the encoder's heads and zero columns of the decoder's first layer give mu = log sigma^2 = 0, and with
eps = 0 also z = 0, so they add nothing to the bound and get no gradient.
"""

import copy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update
from aevb.objectives.sgvb_a import SGVB_A
from aevb.objectives.sgvb_b import SGVB_B
from aevb.training.engines.closed_form import ClosedForm, differentiate
from aevb.training.timer import TrainingTimer

__all__ = ["GradientBatcher", "Member", "Slot"]


class _Work(NamedTuple):
    engine: ClosedForm
    model: VAE
    batch: Batch
    eps: Tensor


class Member:
    """The engine of one run of an ensemble; called inside `GradientBatcher.run_member`.

    Args:
        batcher: Computes the gradients of all members.
        index: Number of this run within the ensemble.
        objective: SGVB A or B.
    """

    def __init__(self, batcher: "GradientBatcher", index: int, objective: SGVB_A | SGVB_B) -> None:
        self.batcher, self.index, self.engine = batcher, index, ClosedForm(objective)

    def __call__(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta and phi for one minibatch, as `ClosedForm` does."""
        batch = next(stream)
        work = _Work(self.engine, model, batch, self.engine.noise(model, batch))
        yield self.engine.update(batch, *self.batcher.gradients(self.index, work))


@dataclass(frozen=True)
class Slot:
    """The position of one run within an ensemble.

    Attributes:
        batcher: Computes the gradients of all members.
        index: Number of the run, from 0.
    """

    batcher: "GradientBatcher"
    index: int

    def engine(self, objective: Objective) -> Member:
        """Return the engine of this run.

        Args:
            objective: SGVB A or B.
        """
        assert isinstance(objective, SGVB_A | SGVB_B)
        return Member(self.batcher, self.index, objective)


class GradientBatcher:
    """Computes the gradients of several runs together, once all of them have submitted a minibatch.

    Args:
        size: Number of members; they are numbered 0, ..., size - 1.

    Attributes:
        timer: Timer of the training seconds of all members.
        active: Numbers of the members that have not ended.
    """

    def __init__(self, size: int) -> None:
        self.timer = TrainingTimer()
        self.active = set(range(size))
        self._condition = threading.Condition()
        self._submitted: dict[int, _Work] = {}
        self._results: dict[int, tuple[Tensor, Tensor]] = {}
        self._batched: VAE | None = None
        self._models: list[VAE] = []
        self._failure: BaseException | None = None

    @contextmanager
    def run_member(self, index: int) -> Iterator[None]:
        """Enclose everything that a member does in its thread; leaving removes it from the ensemble.

        Args:
            index: Number of the member.
        """
        with self._condition:
            try:
                yield
            finally:
                self.active.discard(index)
                self._submitted.pop(index, None)
                self._compute_if_complete()

    def gradients(self, index: int, work: _Work) -> tuple[Tensor, Tensor]:
        """Submit the minibatch of a member, wait for the others, and write `.grad` of the member's model.

        Args:
            index: Number of the member.
            work: Its model, minibatch and noise.

        Returns:
            The reconstruction term and the KL term of the member's bound.

        Raises:
            RuntimeError: The common step failed.
        """
        self._submitted[index] = work
        self._compute_if_complete()
        self._condition.wait_for(lambda: index in self._results or self._failure is not None)
        if self._failure is not None:
            raise RuntimeError("the common step of the ensemble failed") from self._failure
        return self._results.pop(index)

    def _compute_if_complete(self) -> None:
        if not self.active or self._submitted.keys() != self.active:
            return
        members = sorted(self._submitted)
        try:
            results = self._compute([self._submitted[index] for index in members])
        except BaseException as failure:
            self._failure = failure
            self._condition.notify_all()
            raise
        self._results.update(zip(members, results, strict=True))
        self._submitted.clear()
        self._condition.notify_all()

    @torch.no_grad()
    def _compute(self, works: list[_Work]) -> list[tuple[Tensor, Tensor]]:
        models = [work.model for work in works]
        if self._batched is None or models != self._models:
            self._batched, self._models = _batch_parameters(models), models
        _fill_padded(self._batched, models)
        x = torch.stack([work.batch.x for work in works])
        eps = x.new_zeros(len(works), *works[0].eps.shape[:-1], max(work.eps.shape[-1] for work in works))
        for row, work in zip(eps, works, strict=True):
            row[..., : work.eps.shape[-1]] = work.eps

        def divergence(*parts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            own = [work.engine.divergence(*(part[e] for part in parts)) for e, work in enumerate(works)]
            kl, d_mean, d_log_var = map(torch.stack, zip(*own, strict=True))
            return kl, d_mean, d_log_var

        reconstruction, kl = differentiate(self._batched, x, eps, divergence)
        _hand_out_gradients(self._batched, models)
        return list(zip(reconstruction.unbind(), kl.unbind(), strict=True))


def _batch_parameters(models: list[VAE]) -> VAE:
    # A VAE whose parameters have a leading axis over members. A member's parameter becomes a view of its row where it
    # fills the row: then an optimizer's step on the one is a step on the other.
    batched = copy.deepcopy(models[0])
    for name, _ in models[0].named_parameters():
        own = [model.get_parameter(name) for model in models]
        sizes = [max(lengths) for lengths in zip(*(parameter.shape for parameter in own), strict=True)]
        whole = own[0].new_zeros(len(own), *sizes)
        layer, _, attribute = name.rpartition(".")
        batched.get_submodule(layer).register_parameter(attribute, nn.Parameter(whole, requires_grad=False))
        for row, parameter in zip(whole, own, strict=True):
            _part(row, parameter).copy_(parameter)
            if row.shape == parameter.shape:
                parameter.data = row
    return batched


def _fill_padded(batched: VAE, models: list[VAE]) -> None:
    for name, whole in batched.named_parameters():
        for row, model in zip(whole, models, strict=True):
            parameter = model.get_parameter(name)
            if row.shape != parameter.shape:
                _part(row, parameter).copy_(parameter)


def _hand_out_gradients(batched: VAE, models: list[VAE]) -> None:
    for name, whole in batched.named_parameters():
        assert whole.grad is not None
        for row, model in zip(whole.grad, models, strict=True):
            parameter = model.get_parameter(name)
            parameter.grad = _part(row, parameter).contiguous()


def _part(row: Tensor, parameter: Tensor) -> Tensor:
    # The corner of a padded row that is the parameter.
    return row[tuple(slice(length) for length in parameter.shape)]
