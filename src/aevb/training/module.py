"""The LightningModule: it consumes the updates of an objective, and does no arithmetic of its own.

Manual optimisation: an engine gives the objective's updates with their gradients; of the optimisers only those of the parameters
that an update may move step (Adam moves on a zero gradient, so the others must not). One Lightning batch is a
block of minibatches, since Lightning's own cost per batch is a fraction of a millisecond.

Whether numbers are finite is asked once a block: each question would stall a device. A block that was not is taken again from
its beginning and watched, so that the update, the loss or the gradient at fault can be named.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import lightning as L
import torch
import torch.distributed as dist
from torch import Tensor, nn

from aevb.errors import UserError
from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update
from aevb.training.checkpoints.io import SavedCheckpoint
from aevb.training.clipping import UNCLIPPED, Clipping
from aevb.training.cuda_graph import Capture, CudaCapture, Graph, Taken, is_static
from aevb.training.engines.ensemble import Member, Slot
from aevb.training.engines.select import EngineName, choose_engine
from aevb.training.minibatches import Stream
from aevb.training.multi_device import average
from aevb.training.running_mean import RunningMean
from aevb.training.schedule import Block
from aevb.training.snapshot import Snapshot

__all__ = ["Diverged", "Training", "own"]

AHEAD = 50
"""Minibatches that a GPU prepares at once where it records none."""
NUMBERS = 2**24
"""Entries of all minibatches that are prepared together, at the most."""

MakeOptimizer = Callable[[list[dict[str, Any]]], torch.optim.Optimizer]


class Diverged(UserError):
    """A loss, bound, gradient or parameter is not finite."""


def own(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Gives every tensor of a state_dict a storage of its own: torch.save writes the whole of one, whatever part a tensor is."""
    for name, tensor in state.items():
        state[name] = tensor.clone()
    return state


class _StepState:
    """What moves at every minibatch. nn.Module looks into all that is assigned to it for longer than a small step takes."""

    samples_seen = 0
    vote: bool | Tensor = False


class Training(L.LightningModule):
    """A model being trained by an objective on a stream, here on the stream's share of every minibatch.

    make_optimizer: from torch parameter groups to an optimiser; called once for theta and once for phi, where there are any.
    window: of the training curve. engine: what computes the gradients. clipping: of them. graph_steps: rounds that a GPU takes
    at once, where they can be recorded (aevb.training.cuda_graph). samples_seen, an int, is the clock of everything: samples of the
    global minibatches. stop_requested: set it to end after the round in progress; stopping: all ranks have agreed to, at the same
    round. latest_checkpoint: gives the last checkpoint that is on disk, or None; the callback that saves sets it.
    """

    def __init__(
        self,
        model: VAE,
        objective: Objective,
        stream: Stream,
        make_optimizer: MakeOptimizer,
        window: RunningMean,
        engine: EngineName | Slot = "auto",
        clipping: Clipping = UNCLIPPED,
        graph_steps: int = 0,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.model, self.objective = model, objective
        self.stream, self.make_optimizer, self.window = stream, make_optimizer, window
        self.groups = {"theta": model.theta, "phi": [*model.phi, *objective.parameters()]}
        self.engine = choose_engine(engine, objective, model, self.groups)
        self.clipping, self.graph_steps = clipping, graph_steps
        self._moving = _StepState()
        self.stop_requested = self.stopping = False
        self.latest_checkpoint: Callable[[], SavedCheckpoint | None] = lambda: None
        self._graph: Graph | None = None
        self._beginning = Snapshot()

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """One optimiser for theta and one for phi, where there is one."""
        return [self.make_optimizer(self._with_prior(name)) for name in self._trained]

    @property
    def samples_seen(self) -> int:
        """Samples of the global minibatches so far."""
        return self._moving.samples_seen

    @samples_seen.setter
    def samples_seen(self, value: int) -> None:
        self._moving.samples_seen = value

    @property
    def _trained(self) -> list[str]:
        return [name for name in ("theta", "phi") if self.groups[name]]

    @property
    def round_samples(self) -> int:
        """Samples of a round of the objective."""
        return self.objective.round_samples(self.stream.batch_size)

    def on_fit_start(self) -> None:
        """The data go where the model is; on a GPU so does, where rounds are static, all that is random."""
        self.stream.x = self.stream.x.to(self.device)
        self._graph = None
        capture = self.capture()
        if capture is None or not is_static(self.objective, self.model):
            return
        at_once = max(1, min(self.graph_steps or AHEAD, NUMBERS // self.stream.x[0].numel() // self.stream.batch_size))
        self.stream.ahead = at_once
        one_minibatch = self.round_samples == self.stream.batch_size
        if self.graph_steps and one_minibatch and self.stream.world == 1 and not isinstance(self.engine, Member):
            optimizers = self._optimizers()
            self._graph = Graph(
                capture, self.stream, at_once, lambda some: list(self._round(some, optimizers)), optimizers.values()
            )

    def on_fit_end(self) -> None:
        """The graph goes, with the memory that it holds."""
        self._graph = None

    def capture(self) -> Capture | None:
        """What records rounds here."""
        return CudaCapture() if self.device.type == "cuda" else None

    def on_train_start(self) -> None:
        """Ranks begin at the same minibatch, or not at all."""
        if self.stream.world > 1:
            places: list[int] = [0] * self.stream.world
            dist.all_gather_object(places, self.samples_seen)
            if len(set(places)) > 1:
                raise UserError(
                    f"checkpoints: the ranks found different ones, at samples_seen={', '.join(map(str, places))}; "
                    "allowed: one folder that all of them see; try: an output_dir on a disk shared by the machines"
                )

    def training_step(self, block: Block) -> None:
        """Rounds of the objective until the block's end, or until all ranks have agreed to stop."""
        optimizers = self._optimizers()
        start, position = self.samples_seen, self.stream.position
        self._beginning.take(self, optimizers.values())
        taken = self._rounds(block, optimizers, watched=False)
        if not self._account(taken):
            self._beginning.restore()
            self.samples_seen, self.stream.position = start, position
            self._rounds(block, optimizers, watched=True)
            # Only where a device is not deterministic.
            raise Diverged(
                f"training diverged between samples_seen={start} and {self.samples_seen}, but not when taken again; "
                f"{self._last_good()}; try: a smaller optimizer.lr"
            )

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        found = self.optimizers(use_pl_optimizer=False)
        return dict(zip(self._trained, found if isinstance(found, list) else [found], strict=True))

    def _rounds(self, block: Block, optimizers: dict[str, torch.optim.Optimizer], watched: bool) -> Taken:
        taken: Taken = []
        while not self._ends(block):
            if self._graph is None or watched:
                updates: Iterable[tuple[int, Mapping[str, Tensor]]] = self._round(self.stream, optimizers, watched)
            elif self._graph.ready((block.stop - self.samples_seen) // self.round_samples):
                updates, self._moving.vote = self._graph.replay(), self.stop_requested
            else:
                updates = self._graph.single(self.stream)
            for samples, stats in updates:
                self._moving.samples_seen += samples
                taken.append((samples, stats))
        return taken

    def _round(
        self, stream: Iterator[Batch], optimizers: dict[str, torch.optim.Optimizer], watched: bool = False
    ) -> Iterator[tuple[int, Mapping[str, Tensor]]]:
        for update in self.engine(self.model, stream):
            samples = update.samples * self.stream.world
            yield samples, self._take(update, optimizers, self.samples_seen + samples if watched else None)

    def _ends(self, block: Block) -> bool:
        # A CPU is asked after each round, for steps may be slow; another device would be stalled by it, and its blocks are short.
        over = self.samples_seen >= block.stop
        if over or self.device.type == "cpu":
            stopping = bool(self._moving.vote)
            if stopping != self.stopping:
                self.stopping = stopping
        return over or self.stopping

    def _take(
        self, update: Update, optimizers: dict[str, torch.optim.Optimizer], watched_at: int | None
    ) -> Mapping[str, Tensor]:
        moved = [parameter for name in update.parameter_groups for parameter in self.groups[name]]
        stats: Mapping[str, Tensor] = {"loss": update.loss, **update.stats}
        self._moving.vote = self.stop_requested
        if self.stream.world > 1:
            gradients = [parameter.grad for parameter in moved if parameter.grad is not None]
            stats, self._moving.vote = average(gradients, stats, self.stop_requested, self.stream.world)
        if watched_at is not None:
            self._watch("gradient", {parameter: parameter.grad for parameter in moved}, stats, watched_at)
        if self.clipping:
            self.clipping(moved)
        for name in reversed(
            update.parameter_groups
        ):  # of phi, which is last in order, gradients are still in the cache
            optimizers[name].step()
        if watched_at is not None:
            self._watch("value after the step", dict(zip(moved, moved, strict=True)), {}, watched_at)
        return stats

    def _account(self, taken: list[tuple[int, Mapping[str, Tensor]]]) -> bool:
        """Whether loss, bound and parameters of a block are finite; if so, the bounds go into the window."""
        losses = [stats["loss"] for _, stats in taken]
        bounds = [(samples, stats["bound"]) for samples, stats in taken if "bound" in stats]
        extremes = [extreme for parameter in self.parameters() for extreme in torch.aminmax(parameter)] if taken else []
        numbers = [*losses, *(bound for _, bound in bounds), *extremes]
        values = torch.stack(numbers).tolist() if numbers else []
        if not all(map(math.isfinite, values)):
            return False
        for (samples, _), value in zip(bounds, values[len(losses) :], strict=False):
            self.window.add(samples, value)
        return True

    def _watch(
        self, what: str, tensors: Mapping[nn.Parameter, Tensor | None], stats: Mapping[str, Tensor], seen: int
    ) -> None:
        names = {parameter: name.removeprefix("model.") for name, parameter in self.named_parameters()}
        of = [names[p] for p, tensor in tensors.items() if tensor is not None and not tensor.isfinite().all()]
        wrong = [name for name in ("loss", "bound") if name in stats and not stats[name].isfinite()]
        more = f" and {len(of) - 3} more" if len(of) > 3 else ""
        wrong += [f"the {what} of {', '.join(of[:3])}{more}"] if of else []
        if wrong:
            parts = ", ".join(f"{name}={value.item():.6g}" for name, value in stats.items())
            raise Diverged(
                f"training diverged at samples_seen={seen} (seed {self.stream.seed}): {' and '.join(wrong)} not finite; "
                f"{parts and f'{parts}; '}{self._last_good()}; try: a smaller optimizer.lr"
            )

    def _last_good(self) -> str:
        last = self.latest_checkpoint()
        if last is None:
            return "there is no checkpoint yet"
        path, seen = last
        return f"the last good checkpoint is {path}, at samples_seen={seen}"

    def _with_prior(self, name: str) -> list[dict[str, Any]]:
        # The gradient of -log p(w) / N, weights only: torch adds weight_decay * w to the gradient before anything else.
        parameters = self.groups[name]
        precision = self.objective.weight_prior if name in self.objective.weight_prior_of else 0.0
        decay = precision / len(self.stream.x)
        weights = [parameter for parameter in parameters if parameter.dim() > 1]
        others = [parameter for parameter in parameters if parameter.dim() <= 1]
        groups = [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
        return [group for group in groups if group["params"]]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The clock, the stream's position and the window, as plain containers."""
        checkpoint["training"] = {
            "samples_seen": self.samples_seen,
            "position": self.stream.position,
            "window": self.window.state_dict(),
        }
        # Where to go on is told by samples_seen; Lightning's count of blocks would stop an extended run at its old end.
        checkpoint.pop("loops", None)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Takes over what `on_save_checkpoint` wrote."""
        state = checkpoint["training"]
        self.samples_seen, self.stream.position = state["samples_seen"], state["position"]
        self.window.load_state_dict(state["window"])
