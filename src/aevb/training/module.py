"""The LightningModule: it consumes the updates of an objective, and does no arithmetic of its own.

Manual optimisation: for every update, clear the gradients of the parameters it may move, backward into those alone, and step
only their optimisers (Adam moves on a zero gradient, so the others must not step). One Lightning batch is a
block of minibatches, since Lightning's own cost per batch is a fraction of a millisecond.
"""

import math
from collections.abc import Callable
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn

from aevb.errors import UserError
from aevb.models.vae import VAE
from aevb.objectives.objective import Objective, Update
from aevb.training.plan import Block
from aevb.training.stream import Stream
from aevb.training.window import Window

__all__ = ["Training"]

MakeOptimizer = Callable[[list[dict[str, Any]]], torch.optim.Optimizer]


class Training(L.LightningModule):
    """A model being trained by an objective on a stream.

    make_optimizer: from torch parameter groups to an optimiser; called once for theta and once for phi. window: of the training
    curve. samples_seen, an int, is the clock of everything.
    """

    def __init__(
        self, model: VAE, objective: Objective, stream: Stream, make_optimizer: MakeOptimizer, window: Window
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.model, self.objective = model, objective
        self.stream, self.make_optimizer, self.window = stream, make_optimizer, window
        self.groups = {"theta": model.theta, "phi": [*model.phi, *objective.parameters()]}
        self.samples_seen = 0

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """One optimiser for theta and one for phi."""
        return [self.make_optimizer(self._with_prior(self.groups[name])) for name in ("theta", "phi")]

    def training_step(self, block: Block) -> None:
        """Rounds of the objective until the block's end."""
        theta, phi = self.optimizers(use_pl_optimizer=False)  # type: ignore[misc]  # a list: there are two
        optimizers = {"theta": theta, "phi": phi}
        bounds: list[tuple[int, Tensor]] = []
        while self.samples_seen < block.stop:
            for update in self.objective(self.model, self.stream):
                self._take(update, optimizers)
                self.samples_seen += update.samples
                if "bound" in update.stats:
                    bounds.append((update.samples, update.stats["bound"]))
        self._account(bounds)

    def _take(self, update: Update, optimizers: dict[str, torch.optim.Optimizer]) -> None:
        moved = [parameter for name in update.moves for parameter in self.groups[name]]
        for parameter in moved:
            parameter.grad = None
        update.loss.backward(inputs=moved)
        for name in update.moves:
            optimizers[name].step()

    def _account(self, bounds: list[tuple[int, Tensor]]) -> None:
        # One transfer and one check a block: asking each value would stall a device at every step.
        values = torch.stack([bound for _, bound in bounds]).tolist() if bounds else []
        seen = self.samples_seen - sum(samples for samples, _ in bounds)
        for (samples, _), value in zip(bounds, values, strict=True):
            seen += samples
            if not math.isfinite(value):
                raise UserError(
                    f"training diverged: the bound is {value} at samples_seen={seen} (seed {self.stream.seed}); "
                    "the last checkpoint is from before; try a smaller optimizer.lr"
                )
            self.window.add(samples, value)

    def _with_prior(self, parameters: list[nn.Parameter]) -> list[dict[str, Any]]:
        # The gradient of -log p(w) / N, weights only: torch adds weight_decay * w to the gradient before anything else.
        decay = self.objective.weight_prior / len(self.stream.x)
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
