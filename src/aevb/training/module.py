"""The LightningModule: it applies the updates of an objective and does no arithmetic of its own.

Optimisation is manual. An engine yields the updates of the objective with their gradients; only the
optimizers of the parameter groups that an update names take a step, because Adam changes a parameter
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
from aevb.nn.torch_settings import generator_states, restore_generators
from aevb.objectives.objective import Batch, Objective, Update
from aevb.optimizers.schedules import Schedule
from aevb.training.checkpoints.io import SavedCheckpoint
from aevb.training.clipping import Clipping
from aevb.training.cuda_graph import Capture, CompletedUpdate, CudaCapture, GraphedRounds, is_capturable
from aevb.training.divergence import DivergenceWatch, Snapshot
from aevb.training.engines.accumulated import Accumulated
from aevb.training.engines.ensemble import Member, Slot
from aevb.training.engines.select import EngineName, choose_engine
from aevb.training.learning_rate import LearningRate
from aevb.training.minibatches import Stream
from aevb.training.multi_device import average
from aevb.training.running_mean import RunningMean
from aevb.training.schedule import Block
from aevb.training.weight_prior import with_weight_prior

__all__ = ["Training"]

AHEAD = 50
"""Minibatches that a GPU prepares at once if it records none."""
MAX_NUMBERS = 2**24
"""Entries of all minibatches that are prepared at once, at most."""

MakeOptimizer = Callable[[list[dict[str, Any]]], torch.optim.Optimizer]
PrepareOptimizers = Callable[[list[torch.optim.Optimizer]], object]


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
        make_optimizer: From torch parameter groups to an optimizer; called once for theta and once for
            phi, where they have parameters.
        window: The mean of the bound over the last training samples.
        engine: Name of what computes the gradients, or the slot of this run in an ensemble.
        clipping: Clipping of the gradients; None: they are not clipped.
        graph_steps: Rounds in a CUDA graph, where rounds can be recorded (aevb.training.cuda_graph).
        schedule: The learning rate as a function of samples_seen; None: constant.
        microbatches: Number of shares in which a minibatch is computed, one after another.
        prepare_optimizers: Called with the new optimizers of theta and phi, to give them a state.

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
        clipping: Clipping | None = None,
        graph_steps: int = 0,
        schedule: Schedule | None = None,
        microbatches: int = 1,
        prepare_optimizers: PrepareOptimizers | None = None,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.model, self.objective = model, objective
        self.stream, self.make_optimizer, self.window = stream, make_optimizer, window
        self.groups = {"theta": model.theta, "phi": [*model.phi, *objective.parameters()]}
        self.engine = choose_engine(engine, objective, model, self.groups, microbatches)
        self.clipping, self.graph_steps = clipping, graph_steps
        self.learning_rate, self.prepare_optimizers = LearningRate(schedule), prepare_optimizers
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
        """Return one optimizer for theta and one for phi, where they have parameters."""
        optimizers = [self.make_optimizer(self._with_prior(name)) for name in self._trained]
        if self.prepare_optimizers is not None:
            self.prepare_optimizers(optimizers)
        self.learning_rate.attach(optimizers)
        return optimizers

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
        alone = self.stream.world == 1 and not isinstance(self.engine, Member | Accumulated)
        if self.graph_steps and one_minibatch and alone:
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
            elif self._can_replay(block):
                updates = self._graph.replay(self.learning_rate.factor)
                self._step_state.stop_votes = self.stop_requested
            else:
                updates = self._graph.run_one(self.stream)
            for samples, stats in updates:
                self._step_state.samples_seen += samples
                completed.append((samples, stats))
        return completed

    def _round(
        self, stream: Iterator[Batch], optimizers: dict[str, torch.optim.Optimizer], check: bool = False
    ) -> Iterator[CompletedUpdate]:
        seen = self.samples_seen
        for update in self.engine(self.model, stream):
            self.learning_rate.set(seen)
            samples = update.samples * self.stream.world
            seen += samples
            yield samples, self._take_step(update, optimizers, seen if check else None)

    def _can_replay(self, block: Block) -> bool:
        assert self._graph is not None
        rounds, seen = self._graph.steps, self.samples_seen
        return self._graph.can_replay((block.stop - seen) // self.round_samples) and (
            self.learning_rate.is_constant_for(seen, rounds * self.round_samples)
        )

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
        if self.clipping is not None:
            self.clipping(parameters)
        # Backwards, because the gradients of the last group (phi) are still in the cache.
        for name in reversed(update.parameter_groups):
            optimizers[name].step()
        if check_at is not None:
            self.divergence.check("value after the step", {p: p for p in parameters}, {}, check_at)
        return stats

    def _with_prior(self, name: str) -> list[dict[str, Any]]:
        precision = self.objective.weight_prior if name in self.objective.weight_prior_of else 0.0
        return with_weight_prior(self.groups[name], precision / len(self.stream.x))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add samples_seen, the position of the stream, the window and torch's generators (see `L.LightningModule.on_save_checkpoint`)."""
        checkpoint["training"] = {
            "samples_seen": self.samples_seen,
            "position": self.stream.position,
            "window": self.window.state_dict(),
            "generators": generator_states(self.device),
        }
        # samples_seen says where to continue; Lightning's count of blocks would stop an extended run at its old end.
        checkpoint.pop("loops", None)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore what `on_save_checkpoint` added (see `L.LightningModule.on_load_checkpoint`)."""
        state = checkpoint["training"]
        self.samples_seen, self.stream.position = state["samples_seen"], state["position"]
        self.window.load_state_dict(state["window"])
        if "generators" in state:  # not in older checkpoints
            restore_generators(state["generators"], self.device)
