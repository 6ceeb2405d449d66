"""Noticing that training diverged: a loss, bound, gradient or parameter that is not finite.

Asking whether a number is finite waits for the device, so it is asked once a block. A block that
diverged is repeated from its beginning with a check after every update, so that the error can name the
step and the tensor.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from aevb.errors import UserError
from aevb.nn.torch_settings import generator_states, restore_generators
from aevb.training.checkpoints.io import SavedCheckpoint
from aevb.training.cuda_graph import CompletedUpdate

__all__ = ["Diverged", "DivergenceWatch", "Snapshot"]

SHOWN = 3
"""Names of tensors in the message, at most."""


class Diverged(UserError):
    """A loss, bound, gradient or parameter is not finite."""


class DivergenceWatch:
    """Checks the updates of a module that is trained.

    Args:
        module: The module; its parameters are checked, and named in the error.
        seed: The seed of the run, for the error.
        latest_checkpoint: Returns the latest checkpoint that is on disk, or None.

    Attributes:
        remedy: What the error tells the user to try.
    """

    remedy: str = "try: a smaller optimizer.lr"

    def __init__(self, module: nn.Module, seed: int, latest_checkpoint: Callable[[], SavedCheckpoint | None]) -> None:
        self.module, self.seed, self.latest_checkpoint = module, seed, latest_checkpoint

    def finite_bounds(self, updates: Sequence[CompletedUpdate]) -> list[tuple[int, float]] | None:
        """Check a block of updates; reads from the device once.

        Args:
            updates: The updates of the block.

        Returns:
            Training samples and bound (nats per datapoint) of each update that has a bound, or None if
            a loss, a bound or a parameter is not finite.
        """
        if not updates:
            return []
        losses = [stats["loss"] for _, stats in updates]
        bounds = [(samples, stats["bound"]) for samples, stats in updates if "bound" in stats]
        extremes = [extreme for parameter in self.module.parameters() for extreme in torch.aminmax(parameter)]
        values = torch.stack([*losses, *(bound for _, bound in bounds), *extremes]).tolist()
        if not all(map(math.isfinite, values)):
            return None
        bound_values = values[len(losses) : len(losses) + len(bounds)]
        return [(samples, value) for (samples, _), value in zip(bounds, bound_values, strict=True)]

    def check(
        self, what: str, tensors: Mapping[nn.Parameter, Tensor | None], stats: Mapping[str, Tensor], seen: int
    ) -> None:
        """Check one update of a block that is repeated.

        Args:
            what: What the tensors are, for the error: "gradient".
            tensors: A tensor, or None, for each parameter that the update changes.
            stats: Scalars of the update by name, of which loss and bound are checked.
            seen: samples_seen after the update.

        Raises:
            Diverged: A tensor, the loss or the bound is not finite.
        """
        names = {parameter: name.removeprefix("model.") for name, parameter in self.module.named_parameters()}
        bad = [names[p] for p, tensor in tensors.items() if tensor is not None and not tensor.isfinite().all()]
        wrong = [name for name in ("loss", "bound") if name in stats and not stats[name].isfinite()]
        more = f" and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
        wrong += [f"the {what} of {', '.join(bad[:SHOWN])}{more}"] if bad else []
        if wrong:
            numbers = "".join(f"{name}={value.item():.6g}, " for name, value in stats.items()).removesuffix(", ")
            raise Diverged(
                f"training diverged at samples_seen={seen} (seed {self.seed}): {' and '.join(wrong)} not finite; "
                f"{numbers and f'{numbers}; '}{self._checkpoint()}; {self.remedy}"
            )

    def not_reproduced(self, start: int, stop: int) -> Diverged:
        """Return the error for a block that diverged, but not when it was repeated.

        That happens only on a device whose operations are not deterministic.

        Args:
            start: samples_seen at the beginning of the block.
            stop: samples_seen at its end.
        """
        return Diverged(
            f"training diverged between samples_seen={start} and {stop}, but not when the block was repeated; "
            f"{self._checkpoint()}; {self.remedy}"
        )

    def _checkpoint(self) -> str:
        latest = self.latest_checkpoint()
        if latest is None:
            return "there is no checkpoint yet"
        return f"the last good checkpoint is {latest.path}, at samples_seen={latest.samples_seen}"


class Snapshot:
    """The state at the beginning of a block, so that a block that diverged can be repeated.

    It holds copies of the tensors that training changes: those of a module and of its optimizers.
    The copies are overwritten in place, which costs about as much as one step in a hundred.
    """

    def __init__(self) -> None:
        self.tensors: list[Tensor] = []
        self.copies: list[Tensor] = []

    @torch.no_grad()
    def take(self, module: nn.Module, optimizers: Iterable[torch.optim.Optimizer]) -> None:
        """Save the current state.

        Args:
            module: Its parameters and buffers are saved.
            optimizers: Their states are saved.
        """
        self.optimizers = list(optimizers)
        states = [state for optimizer in self.optimizers for state in optimizer.state.values()]
        values = [value for state in states for value in state.values() if torch.is_tensor(value)]
        tensors = [*module.parameters(), *module.buffers(), *values]
        if [id(tensor) for tensor in tensors] != [id(tensor) for tensor in self.tensors]:
            self.tensors, self.copies = tensors, [torch.empty_like(tensor) for tensor in tensors]
        torch._foreach_copy_(self.copies, self.tensors)
        self.device = next(module.parameters()).device
        self.generators = generator_states(self.device)

    @torch.no_grad()
    def restore(self) -> None:
        """Restore the saved state."""
        known = {id(tensor) for tensor in self.tensors}
        for optimizer in self.optimizers:
            for parameter, state in list(optimizer.state.items()):
                if not all(id(value) in known for value in state.values() if torch.is_tensor(value)):
                    del optimizer.state[parameter]  # created after the snapshot
        torch._foreach_copy_(self.tensors, self.copies)
        restore_generators(self.generators, self.device)
