r"""The engine of several runs in one process: their gradients in batched matrix products.

Every member is an ordinary run in a thread of its own: its stream, noise, optimisers, clock, marks and files are those it would
have alone. Only the gradients of a step are computed together, when every member has brought its minibatch. The threads take
turns: one runs until it waits for the others, so that they do not compete for the processor.

Members share layer shapes, except that a smaller latent space is padded with zeros: rows of the encoder's heads and columns of
the decoder's first layer that are zero give mu = log sigma^2 = 0, and with eps = 0 also z = 0, so they add nothing to the bound
and get no gradient.
"""

import copy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
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
    """One run's engine; may be called inside `GradientBatcher.turn` alone."""

    def __init__(self, stack: "GradientBatcher", place: int, objective: SGVB_A | SGVB_B) -> None:
        self.stack, self.place, self.engine = stack, place, ClosedForm(objective)

    def __call__(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """One minibatch, one update of theta and phi, as `ClosedForm` gives it."""
        batch = next(stream)
        work = _Work(self.engine, model, batch, self.engine.noise(model, batch))
        yield self.engine.update(batch, *self.stack.gradients(self.place, work))


class Slot(NamedTuple):
    """A place in a stack."""

    stack: "GradientBatcher"
    place: int

    def engine(self, objective: Objective) -> Member:
        """The engine of the run that has it."""
        assert isinstance(objective, SGVB_A | SGVB_B)
        return Member(self.stack, self.place, objective)


class GradientBatcher:
    """Where `size` members meet at every step; each takes a place in 0..size-1. clock: of their training seconds."""

    def __init__(self, size: int) -> None:
        self.clock = TrainingTimer()
        self.present = set(range(size))
        self._turn = threading.Condition()
        self._brought: dict[int, _Work] = {}
        self._taken: dict[int, tuple[Tensor, Tensor]] = {}
        self._stacked: VAE | None = None
        self._models: list[VAE] = []
        self._failure: BaseException | None = None

    @contextmanager
    def run_member(self, place: int) -> Iterator[None]:
        """A member's life: entered by its thread, which leaves the stack at the end, however it ends."""
        with self._turn:
            try:
                yield
            finally:
                self.present.discard(place)
                self._brought.pop(place, None)
                self._meet()

    def gradients(self, place: int, work: _Work) -> tuple[Tensor, Tensor]:
        """Waits for the others; writes `.grad` of the member's model. Returns reconstruction and KL part of its bound."""
        self._brought[place] = work
        self._meet()
        self._turn.wait_for(lambda: place in self._taken or self._failure is not None)
        if self._failure is not None:
            raise RuntimeError("the members of a stack lost their common step") from self._failure
        return self._taken.pop(place)

    def _meet(self) -> None:
        if not self.present or self._brought.keys() != self.present:
            return
        places = sorted(self._brought)
        try:
            results = self._step([self._brought[place] for place in places])
        except BaseException as failure:
            self._failure = failure
            self._turn.notify_all()
            raise
        self._taken.update(zip(places, results, strict=True))
        self._brought.clear()
        self._turn.notify_all()

    @torch.no_grad()
    def _step(self, works: list[_Work]) -> list[tuple[Tensor, Tensor]]:
        models = [work.model for work in works]
        if self._stacked is None or [*map(id, models)] != [*map(id, self._models)]:
            self._stacked, self._models = _stack(models), models
        _fill_padded(self._stacked, models)
        x = torch.stack([work.batch.x for work in works])
        eps = x.new_zeros(len(works), *works[0].eps.shape[:-1], max(work.eps.shape[-1] for work in works))
        for row, work in zip(eps, works, strict=True):
            row[..., : work.eps.shape[-1]] = work.eps

        def divergence(*parts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            own = [work.engine.divergence(*(part[e] for part in parts)) for e, work in enumerate(works)]
            kl, d_mean, d_log_var = map(torch.stack, zip(*own, strict=True))
            return kl, d_mean, d_log_var

        reconstruction, kl = differentiate(self._stacked, x, eps, divergence)
        _hand_out_gradients(self._stacked, models)
        return list(zip(reconstruction.unbind(), kl.unbind(), strict=True))


def _stack(models: list[VAE]) -> VAE:
    """A VAE whose parameters are (E, ...). Those of the members become its rows where they fill these: an optimiser's step on the
    one is a step on the other."""
    stacked = copy.deepcopy(models[0])
    for name, _ in models[0].named_parameters():
        own = [model.get_parameter(name) for model in models]
        sizes = [max(lengths) for lengths in zip(*(parameter.shape for parameter in own), strict=True)]
        whole = own[0].new_zeros(len(own), *sizes)
        layer, _, attribute = name.rpartition(".")
        stacked.get_submodule(layer).register_parameter(attribute, nn.Parameter(whole, requires_grad=False))
        for row, parameter in zip(whole, own, strict=True):
            _part(row, parameter).copy_(parameter)
            if row.shape == parameter.shape:
                parameter.data = row
    return stacked


def _fill_padded(stacked: VAE, models: list[VAE]) -> None:
    for name, whole in stacked.named_parameters():
        for row, model in zip(whole, models, strict=True):
            parameter = model.get_parameter(name)
            if row.shape != parameter.shape:
                _part(row, parameter).copy_(parameter)


def _hand_out_gradients(stacked: VAE, models: list[VAE]) -> None:
    for name, whole in stacked.named_parameters():
        assert whole.grad is not None
        for row, model in zip(whole.grad, models, strict=True):
            parameter = model.get_parameter(name)
            parameter.grad = _part(row, parameter).contiguous()


def _part(row: Tensor, parameter: Tensor) -> Tensor:
    """The corner of a padded row that is the parameter."""
    return row[tuple(slice(length) for length in parameter.shape)]
