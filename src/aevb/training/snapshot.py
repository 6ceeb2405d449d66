"""The state at the beginning of a block, so that a block that diverged can be repeated."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

__all__ = ["Snapshot"]


class Snapshot:
    """Copies of the tensors that training changes: those of a module and of its optimisers.

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

    @torch.no_grad()
    def restore(self) -> None:
        """Restore the saved state."""
        known = {id(tensor) for tensor in self.tensors}
        for optimizer in self.optimizers:
            for parameter, state in list(optimizer.state.items()):
                if not all(id(value) in known for value in state.values() if torch.is_tensor(value)):
                    del optimizer.state[parameter]  # created after the snapshot
        torch._foreach_copy_(self.tensors, self.copies)
