"""Rounds that a GPU takes K at a time: recorded once as a CUDA graph, and replayed.

A step of the paper's model is some hundred kernels of a few microseconds each; given to the device one by one, the giving takes
longer than the work. A graph is given at once, and asks the host nothing:

    load      K x M positions and t go to where the graph reads them     host -> device, once for K minibatches
    replay    gather, binarise, draw; then K times gradients, clipping, optimiser step
    numbers   losses and bounds of the K rounds in one tensor, which the host reads at the end of the block

What Python does while it is recorded is done once, and never again: a round may be recorded if it is the same operations
on the same tensors every time, whatever the numbers are. An objective says that it is such a one (`Objective.capturable`), and so
do the parts of a model; an optimiser must count its steps on the device. Everything else is taken round by round, as on a CPU.

Before anything is recorded some rounds are taken one by one, on the stream that records: libraries and optimisers make what they
keep at the first call. Replays leave out nothing that a round does, so that a run may change between the two at any minibatch.
"""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import torch
from torch import Tensor, nn

from aevb.errors import UserError
from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective
from aevb.training.device_minibatches import Prefetch
from aevb.training.minibatches import Stream

__all__ = ["Capture", "CudaCapture", "Graph", "Taken", "counts_on_device", "is_static"]

Taken = list[tuple[int, Mapping[str, Tensor]]]
"""Samples and stats of updates, in their order."""

WARM = 3
"""Rounds before a recording."""


class Capture(Protocol):
    """Something that records operations on a device."""

    def aside(self) -> AbstractContextManager[None]:
        """Where the rounds before a recording are taken."""

    def record(self, body: Callable[[], Tensor]) -> tuple[Tensor, Callable[[], object]]:
        """Calls `body`, which may not ask for a number. Its result, and what does its operations again, on the same tensors."""


class CudaCapture:
    """torch's CUDA graphs."""

    def __init__(self) -> None:
        self.stream = torch.cuda.Stream()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """The stream that records."""
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            yield
        torch.cuda.current_stream().wait_stream(self.stream)

    def record(self, body: Callable[[], Tensor]) -> tuple[Tensor, Callable[[], object]]:
        """As `Capture.record`; nothing is computed before the first replay."""
        gc.collect()  # a graph that is given up would be freed in the midst of a recording, which ends it
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self.stream):
            result = body()
        return result, graph.replay


class Graph:
    """`steps` rounds of one minibatch each, from the stream's position on.

    rounds: takes one round of the minibatches it is given, optimiser steps and all. optimizers: that it steps with.
    """

    def __init__(
        self,
        capture: Capture,
        stream: Stream,
        steps: int,
        rounds: Callable[[Iterator[Batch]], Taken],
        optimizers: Iterable[torch.optim.Optimizer],
    ) -> None:
        self.capture, self.stream, self.steps = capture, stream, steps
        self.rounds, self.optimizers = rounds, list(optimizers)
        self.warm = 0
        self.minibatches = Prefetch(stream, steps)
        self._replay: Callable[[], object] | None = None

    def single(self, stream: Iterator[Batch]) -> Taken:
        """One round that is not recorded."""
        with self.capture.aside():
            taken = self.rounds(stream)
        self.warm += 1
        return taken

    def ready(self, rounds: int) -> bool:
        """Whether the next of so many rounds that are left may be a replay."""
        return rounds >= self.steps and self.warm >= WARM and all(map(counts_on_device, self.optimizers))

    def replay(self) -> Taken:
        """`steps` rounds."""
        self.minibatches.load(self.stream.position)
        if self._replay is None:
            try:
                self._numbers, self._replay = self.capture.record(self._all)
            except RuntimeError as error:
                reason = str(error).splitlines()[0]
                raise UserError(
                    f"trainer.graph_steps={self.steps}: the rounds could not be recorded ({reason}); try: trainer.graph_steps=0"
                ) from error
        self._replay()
        self.stream.position += self.steps
        numbers = iter(self._numbers.clone().unbind())  # the next replay writes over them
        return [(samples, {name: next(numbers) for name in names}) for samples, names in self._updates]

    def _all(self) -> Tensor:
        minibatches = iter(self.minibatches.batches())
        taken = [update for _ in range(self.steps) for update in self.rounds(minibatches)]
        kept = [
            (samples, {name: stats[name] for name in ("loss", "bound") if name in stats}) for samples, stats in taken
        ]
        self._updates = [(samples, tuple(stats)) for samples, stats in kept]
        return torch.stack([value for _, stats in kept for value in stats.values()])


def is_static(objective: Objective, model: VAE) -> bool:
    """Whether rounds of `objective` on `model` are the same operations every time. A class speaks for itself, not for those
    that are derived from it."""
    parts: list[nn.Module] = [objective, model.encoder, model.decoder, model.prior]
    return type(model) is VAE and all(vars(type(part)).get("capturable", False) for part in parts)


def counts_on_device(optimizer: torch.optim.Optimizer) -> bool:
    """Whether all that an optimiser remembers is where its parameters are; torch's own also have to be told (capturable)."""
    states = optimizer.state.items()
    there = all(v.device == p.device for p, state in states for v in state.values() if torch.is_tensor(v))
    return there and all(group.get("capturable", True) for group in optimizer.param_groups)
