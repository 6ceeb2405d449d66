"""Whether an optimizer of torch can take a step at all: SparseAdam refuses dense gradients, LBFGS needs a function."""

from collections.abc import Callable
from typing import Any

import torch

from aevb.errors import UserError

__all__ = ["TORCH", "check_takes_step"]

TORCH = "torch.optim."
"""How the targets of these optimizers begin."""


def check_takes_step(
    make: Callable[[list[dict[str, Any]]], torch.optim.Optimizer], groups: list[dict[str, Any]]
) -> None:
    """Let an optimizer of torch.optim take a step of copies of the parameters, before training begins.

    An error of a user's own optimizer is shown with its traceback.

    Args:
        make: Makes the optimizer of some parameter groups.
        groups: The parameter groups of the run; they stay as they are.

    Raises:
        UserError: If it refuses the step.
    """
    copies = [{**group, "params": [_copy(parameter) for parameter in group["params"]]} for group in groups]
    with torch.random.fork_rng(devices=[]):
        optimizer = make(copies)
        name = type(optimizer).__name__
        try:
            optimizer.step()
        except (RuntimeError, TypeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise UserError(
                f"optimizer: {name} cannot take a step ({reason}); allowed: an optimizer of dense gradients, which computes no "
                "loss of its own; try: optimizer=adam"
            ) from error


def _copy(parameter: torch.Tensor) -> torch.Tensor:
    copy = parameter.detach().clone().requires_grad_()
    copy.grad = torch.zeros_like(copy)
    return copy
