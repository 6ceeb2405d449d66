"""The LightningModule: it applies the updates of an objective and does no arithmetic of its own.

Optimisation is manual. An engine yields the updates of the objective with their gradients; only the
optimisers of the parameter groups that an update names take a step, because Adam moves a parameter
whose gradient is zero. One Lightning batch is a block of minibatches, since Lightning's own cost per
batch is a fraction of a millisecond.

Whether numbers are finite is checked once a block (aevb.training.divergence).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import lightning as L
import torch
import torch.distributed as dist
from torch import Tensor

from aevb.errors import UserError
from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update
from aevb.training.checkpoints.io import SavedCheckpoint
from aevb.training.clipping import UNCLIPPED, Clipping
from aevb.training.cuda_graph import Capture, CompletedUpdate, CudaCapture, GraphedRounds, is_capturable
from aevb.training.divergence import Diverged, DivergenceWatch, Snapshot
from aevb.training.engines.ensemble import Member, Slot
from aevb.training.engines.select import EngineName, choose_engine
from aevb.training.minibatches import Stream
from aevb.training.multi_device import average
from aevb.training.running_mean import RunningMean
from aevb.training.schedule import Block

__all__ = ["Diverged", "Training", "own"]

AHEAD = 50
"""Minibatches that a GPU prepares at once if it records none."""
MAX_NUMBERS = 2**24
"""Entries of all minibatches that are prepared at once, at most."""

MakeOptimizer = Callable[[list[dict[str, Any]]], torch.optim.Optimizer]


def own(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give every tensor of a state_dict its own storage, since torch.save writes whole storages.

    Args:
        state: A state_dict; changed in place.

    Returns:
        The same dictionary.
    """
    for name, tensor in state.items():
        state[name] = tensor.clone()
    return state


class _StepState:
    """State that changes at every step, in a plain object because nn.Module.__setattr__ is slow."""

    samples_seen = 0
    stop_votes: bool | Tensor = False


class Training(L.LightningModule):
    """A model that is trained by an objective on a stream of minibatches.

    Args:
        model: The model.
        objective: Yields the updates.
        stream: Minibatches, or the share of this process of each.
        make_optimizer: From torch parameter groups to an optimiser; called once for theta and once for
            phi, where they have parameters.
        window: The mean of the bound over the last training samples.
        engine: Name of what computes the gradients, or the slot of this run in an ensemble.
        clipping: Clipping of the gradients.
        graph_steps: Rounds in a CUDA graph, where rounds can be recorded (aevb.training.cuda_graph).

    Attributes:
        groups: Parameters by the name of their group, "theta" or "phi".
        stop_requested: Set it to stop training after the current round.
        stopping: Whether all ranks have agreed to stop at this round.
        latest_checkpoint: Returns the latest checkpoint that is on disk; set by the callback that saves.
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
        self._step_state = _StepState()
        self.stop_requested = self.stopping = False
        self.latest_checkpoint: Callable[[], SavedCheckpoint | None] = lambda: None
        self.divergence = DivergenceWatch(self, stream.seed, lambda: self.latest_checkpoint())
        self._graph: GraphedRounds | None = None
        self._block_start = Snapshot()

    @property
    def samples_seen(self) -> int:
        """Training samples of all devices so far: the clock of schedules, logs and figures."""
        return self._step_state.samples_seen

    @samples_seen.setter
    def samples_seen(self, value: int) -> None:
        """Set the number of training samples seen.

        Args:
            value: The number.
        """
        self._step_state.samples_seen = value

    @property
    def round_samples(self) -> int:
        """Training samples of one round of the objective."""
        return self.objective.round_samples(self.stream.batch_size)

    @property
    def _trained(self) -> list[str]:
        return [name for name in ("theta", "phi") if self.groups[name]]

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Return one optimiser for theta and one for phi, where they have parameters."""
        return [self.make_optimizer(self._with_prior(name)) for name in self._trained]

    def capture(self) -> Capture | None:
        """Return what records rounds on the device of this module, or None."""
        return CudaCapture() if self.device.type == "cuda" else None

    def on_fit_start(self) -> None:
        """Move the data to the device; for capturable rounds also generate the noise there."""
        self.stream.x = self.stream.x.to(self.device)
        self._graph = None
        capture = self.capture()
        if capture is None or not is_capturable(self.objective, self.model):
            return
        most = MAX_NUMBERS // self.stream.x[0].numel() // self.stream.batch_size
        self.stream.ahead = max(1, min(self.graph_steps or AHEAD, most))
        one_minibatch = self.round_samples == self.stream.batch_size
        if self.graph_steps and one_minibatch and self.stream.world == 1 and not isinstance(self.engine, Member):
            optimizers = self._optimizers()

            def run_round(minibatches: Iterator[Batch]) -> list[CompletedUpdate]:
                return list(self._round(minibatches, optimizers))

            self._graph = GraphedRounds(capture, self.stream, self.stream.ahead, run_round, optimizers.values())

    def on_train_start(self) -> None:
        """Check that all ranks start at the same minibatch.

        Raises:
            UserError: They loaded different checkpoints.
        """
        if self.stream.world > 1:
            samples: list[int] = [0] * self.stream.world
            dist.all_gather_object(samples, self.samples_seen)
            if len(set(samples)) > 1:
                raise UserError(
                    f"checkpoints: the ranks found different ones, at samples_seen={', '.join(map(str, samples))}; "
                    "allowed: one folder that all of them see; try: an output_dir on a disk shared by the machines"
                )

    def on_fit_end(self) -> None:
        """Release the CUDA graph and its memory."""
        self._graph = None

    def training_step(self, block: Block) -> None:
        """Run rounds of the objective until the end of a block, or until all ranks have agreed to stop.

        Args:
            block: Training samples at its beginning and end.

        Raises:
            Diverged: A number is not finite; the message names the step.
        """
        optimizers = self._optimizers()
        start, position = self.samples_seen, self.stream.position
        self._block_start.take(self, optimizers.values())
        bounds = self.divergence.finite_bounds(self._rounds(block, optimizers))
        if bounds is None:
            self._block_start.restore()
            self.samples_seen, self.stream.position = start, position
            self._rounds(block, optimizers, check=True)
            raise self.divergence.not_reproduced(start, self.samples_seen)
        for samples, bound in bounds:
            self.window.add(samples, bound)

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        optimizers = self.optimizers(use_pl_optimizer=False)
        return dict(zip(self._trained, optimizers if isinstance(optimizers, list) else [optimizers], strict=True))

    def _rounds(
        self, block: Block, optimizers: dict[str, torch.optim.Optimizer], check: bool = False
    ) -> list[CompletedUpdate]:
        completed: list[CompletedUpdate] = []
        while not self._is_over(block):
            if self._graph is None or check:
                updates: Iterable[CompletedUpdate] = self._round(self.stream, optimizers, check)
            elif self._graph.can_replay((block.stop - self.samples_seen) // self.round_samples):
                updates, self._step_state.stop_votes = self._graph.replay(), self.stop_requested
            else:
                updates = self._graph.run_one(self.stream)
            for samples, stats in updates:
                self._step_state.samples_seen += samples
                completed.append((samples, stats))
        return completed

    def _round(
        self, stream: Iterator[Batch], optimizers: dict[str, torch.optim.Optimizer], check: bool = False
    ) -> Iterator[CompletedUpdate]:
        for update in self.engine(self.model, stream):
            samples = update.samples * self.stream.world
            yield samples, self._take_step(update, optimizers, self.samples_seen + samples if check else None)

    def _is_over(self, block: Block) -> bool:
        # A CPU is asked after each round, for steps may be slow. Asking a GPU would stall it, and its blocks are short.
        over = self.samples_seen >= block.stop
        if over or self.device.type == "cpu":
            stopping = bool(self._step_state.stop_votes)
            if stopping != self.stopping:  # nn.Module.__setattr__ is slow
                self.stopping = stopping
        return over or self.stopping

    def _take_step(
        self, update: Update, optimizers: dict[str, torch.optim.Optimizer], check_at: int | None
    ) -> Mapping[str, Tensor]:
        # check_at: samples_seen after this update, if it is to be checked.
        parameters = [parameter for name in update.parameter_groups for parameter in self.groups[name]]
        stats: Mapping[str, Tensor] = {"loss": update.loss, **update.stats}
        self._step_state.stop_votes = self.stop_requested
        if self.stream.world > 1:
            gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
            stats, self._step_state.stop_votes = average(gradients, stats, self.stop_requested, self.stream.world)
        if check_at is not None:
            self.divergence.check("gradient", {p: p.grad for p in parameters}, stats, check_at)
        if self.clipping:
            self.clipping(parameters)
        # Backwards, because the gradients of the last group (phi) are still in the cache.
        for name in reversed(update.parameter_groups):
            optimizers[name].step()
        if check_at is not None:
            self.divergence.check("value after the step", dict(zip(parameters, parameters, strict=True)), {}, check_at)
        return stats

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
        """Add samples_seen, the position of the stream and the window, as plain containers.

        Args:
            checkpoint: The checkpoint, which is changed in place.
        """
        checkpoint["training"] = {
            "samples_seen": self.samples_seen,
            "position": self.stream.position,
            "window": self.window.state_dict(),
        }
        # samples_seen says where to continue; Lightning's count of blocks would stop an extended run at its old end.
        checkpoint.pop("loops", None)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore what `on_save_checkpoint` added.

        Args:
            checkpoint: The checkpoint.
        """
        state = checkpoint["training"]
        self.samples_seen, self.stream.position = state["samples_seen"], state["position"]
        self.window.load_state_dict(state["window"])
