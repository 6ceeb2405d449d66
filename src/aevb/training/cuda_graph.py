"""K rounds at a time on a GPU: recorded once as a CUDA graph, then replayed.

A step of the paper's model is some hundred kernels of a few microseconds each; launching them one by
one takes longer than executing them. A graph is launched as a whole:

    load      K x M positions and t are copied to where the graph reads them   host -> device, once
    replay    gather, binarise, draw; then K times gradients, clipping, optimizer step
    numbers   losses and bounds of the K rounds in one tensor, read at the end of the block

Python runs only while the graph is recorded. A round may be recorded if it executes the same operations
on the same tensors every time. An objective and the parts of a model declare that with the class
attribute `capturable` (aevb.objectives.objective); an optimizer must count its steps on the device.
Everything else is trained round by round, as on a CPU.

A few rounds are executed one by one before anything is recorded, on the stream that records, because
libraries and optimizers allocate memory in the first call. A replay does all that a round does, so a
run may switch between the two at any minibatch.
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
from aevb.training.minibatches import Stream

__all__ = ["Capture", "CompletedUpdate", "CudaCapture", "GraphedRounds", "is_capturable", "state_is_on_device"]

CompletedUpdate = tuple[int, Mapping[str, Tensor]]
"""Training samples of an update that was applied, and its scalars: "loss", "bound" and others."""

WARM_UP_ROUNDS = 3
"""Rounds before a recording."""


class Capture(Protocol):
    """Records the operations of a function on a device."""

    def side_stream(self) -> AbstractContextManager[None]:
        """Return a context in which the rounds before a recording are executed."""

    def record(self, function: Callable[[], Tensor]) -> tuple[Tensor, Callable[[], object]]:
        """Record a function.

        Args:
            function: Called once; it may not read a number from the device.

        Returns:
            The result, and a function that repeats the operations on the same tensors.
        """


class CudaCapture:
    """CUDA graphs of torch."""

    def __init__(self) -> None:
        self.stream = torch.cuda.Stream()

    @contextmanager
    def side_stream(self) -> Iterator[None]:
        """Use the stream that records."""
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            yield
        torch.cuda.current_stream().wait_stream(self.stream)

    def record(self, function: Callable[[], Tensor]) -> tuple[Tensor, Callable[[], object]]:
        """Record a function (see `Capture.record`); nothing is computed before the first replay.

        Args:
            function: The function.
        """
        gc.collect()  # freeing an old graph during a recording would end the recording
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self.stream):
            result = function()
        return result, graph.replay


class GraphedRounds:
    """Rounds of one minibatch each, `steps` of them at a time.

    Args:
        capture: Records.
        stream: The minibatches; its position moves.
        steps: Rounds in a replay, K.
        run_round: Executes one round, including the optimizer steps, and returns its updates.
        optimizers: The optimizers of the model.
    """

    def __init__(
        self,
        capture: Capture,
        stream: Stream,
        steps: int,
        run_round: Callable[[Iterator[Batch]], list[CompletedUpdate]],
        optimizers: Iterable[torch.optim.Optimizer],
    ) -> None:
        self.capture, self.stream, self.steps = capture, stream, steps
        self.run_round, self.optimizers = run_round, list(optimizers)
        self.rounds_before = 0
        self.minibatches = stream.on_device(steps)
        self._replay: Callable[[], object] | None = None
        self._learning_rate = 1.0

    def run_one(self, stream: Iterator[Batch]) -> list[CompletedUpdate]:
        """Execute one round without a recording and return its updates.

        Args:
            stream: The minibatches.

        Returns:
            The updates of the round.
        """
        with self.capture.side_stream():
            updates = self.run_round(stream)
        self.rounds_before += 1
        return updates

    def can_replay(self, rounds: int) -> bool:
        """Return whether the next rounds can be a replay.

        Args:
            rounds: Rounds that are left in the block.
        """
        warm = self.rounds_before >= WARM_UP_ROUNDS
        return rounds >= self.steps and warm and all(map(state_is_on_device, self.optimizers))

    def replay(self, learning_rate: float = 1.0) -> list[CompletedUpdate]:
        """Execute `steps` rounds; the first call records them.

        Args:
            learning_rate: The factor of the schedule, the same in all of these rounds. It is part of the
                recording, so another one than before is recorded anew.

        Returns:
            Their updates, with the scalars "loss" and "bound".

        Raises:
            UserError: The rounds cannot be recorded.
        """
        self.minibatches.load(self.stream.position)
        if self._learning_rate != learning_rate:
            self._replay, self._learning_rate = None, learning_rate
        if self._replay is None:
            try:
                self._numbers, self._replay = self.capture.record(self._run_all)
            except RuntimeError as error:
                reason = str(error).splitlines()[0]
                raise UserError(
                    f"trainer.graph_steps={self.steps}: the rounds could not be recorded ({reason}); "
                    "try: trainer.graph_steps=0"
                ) from error
        self._replay()
        self.stream.position += self.steps
        numbers = iter(self._numbers.clone().unbind())  # the next replay overwrites them
        return [(samples, {name: next(numbers) for name in names}) for samples, names in self._updates]

    def _run_all(self) -> Tensor:
        minibatches = iter(self.minibatches.batches())
        updates = [update for _ in range(self.steps) for update in self.run_round(minibatches)]
        kept = [
            (samples, {name: stats[name] for name in ("loss", "bound") if name in stats}) for samples, stats in updates
        ]
        self._updates = [(samples, tuple(stats)) for samples, stats in kept]
        return torch.stack([value for _, stats in kept for value in stats.values()])


def is_capturable(objective: Objective, model: VAE) -> bool:
    """Return whether rounds of an objective on a model execute the same operations every time.

    Each class must declare `capturable` in its own body. It is not inherited, since a subclass may do
    anything.

    Args:
        objective: The objective.
        model: The model; its encoder, decoder and prior are asked.
    """
    parts: list[nn.Module] = [objective, model.encoder, model.decoder, model.prior]
    return type(model) is VAE and all(vars(type(part)).get("capturable", False) for part in parts)


def state_is_on_device(optimizer: torch.optim.Optimizer) -> bool:
    """Return whether the state of an optimizer is where its parameters are, so that its step can be recorded.

    Args:
        optimizer: The optimizer; one of torch's own must also have been made with capturable=True.
    """
    states = optimizer.state.items()
    on_device = all(v.device == p.device for p, state in states for v in state.values() if torch.is_tensor(v))
    return on_device and all(group.get("capturable", True) for group in optimizer.param_groups)
