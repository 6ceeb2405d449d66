r"""Adagrad as the authors ran it (Duchi et al. 2011; their code's accumulate-only start).

    s <- s + g^2;   if t > warmup:  w <- w + lr * g / sqrt(s + eps),   s_0 = 0, g summed over the minibatch

The update does not change when g is scaled, except through eps. On a mean over M datapoints g is 1/M of the sum, so the
same rule has eps / M^2 inside the root. It is torch's Adagrad whose accumulator starts at that number and whose own eps, outside
the root, is zero; during the warm-up its learning rate is zero. On a CPU the step is torch's fused kernel, called without what torch
puts around it, which takes as long as a third of the kernel. On other devices it is written out in torch's operations on lists,
and the warm-up is looked up there: to ask how many steps there were would stall the device, and no CUDA graph can.

All parameters move together, so there is one count of steps, the "step" in the state of each.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from aevb.types import NonNegativeInt, PositiveFloat

__all__ = ["AuthorsAdagrad"]


class AuthorsAdagrad(torch.optim.Adagrad):
    """The authors' Adagrad on the gradient of a mean loss.

    params: parameters or groups of them. batch_size: M. lr: the global learning rate, {0.01, 0.02, 0.1} in the paper. warmup:
    minibatches that accumulate squared gradients without moving. eps: inside the root, for summed gradients.
    """

    def __init__(
        self,
        params: Any,
        batch_size: int,
        lr: PositiveFloat = 0.01,
        warmup: NonNegativeInt = 100,
        eps: PositiveFloat = 1e-8,
    ) -> None:
        super().__init__(params, lr=lr, initial_accumulator_value=eps / batch_size**2, eps=0.0, fused=True)
        self.lr, self.warmup = lr, warmup
        self._told: tuple[Tensor, int, int] | None = None  # the count, its version, and the number in it

    def _count(self) -> Tensor:
        states = list(self.state.values())
        count = states[0]["step"]
        if states[-1]["step"] is not count:  # whoever loads a state, or moves it to a device, makes several of it
            for state in states:
                state["step"] = count
        return count

    def _steps(self, count: Tensor) -> int:
        # To ask a tensor takes as long as to move a small layer: only where somebody else has changed it, or put another there.
        if self._told is None or self._told[0] is not count or self._told[1] != count._version:
            return int(count)
        return self._told[2]

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One accumulation and, after the warm-up, one move."""
        count = self._count()
        steps = self._steps(count) if _on_host(count) else count
        moving = steps >= self.warmup
        count += 1
        for group in self.param_groups:
            moved = [parameter for parameter in group["params"] if parameter.grad is not None]
            if not moved:
                continue
            gradients = [parameter.grad for parameter in moved]
            sums = [self.state[parameter]["sum"] for parameter in moved]
            decay = group["weight_decay"]
            if isinstance(moving, Tensor):
                _adagrad(moved, gradients, sums, self.lr * moving.to(moved[0]), decay)
            else:
                how = {"lr": self.lr * moving, "lr_decay": 0.0, "weight_decay": decay, "eps": 0.0, "maximize": False}
                torch._fused_adagrad_(moved, gradients, sums, [count] * len(moved), **how)
        if not isinstance(steps, Tensor):
            self._told = count, count._version, steps + 1


# Otherwise torch wraps `step` in a mark for its profiler and in hooks that nobody here sets: time at every step.
setattr(AuthorsAdagrad.step, "hooked", True)  # noqa: B010


def _on_host(tensor: Tensor) -> bool:
    return tensor.device.type == "cpu"


def _adagrad(moved: list[Tensor], gradients: list[Tensor], sums: list[Tensor], lr: Tensor, weight_decay: float) -> None:
    # lr: a scalar on the device.
    g = torch._foreach_add(gradients, moved, alpha=weight_decay)
    torch._foreach_addcmul_(sums, g, g)
    moves = torch._foreach_div(g, torch._foreach_sqrt(sums))
    torch._foreach_mul_(moves, lr)
    torch._foreach_sub_(moved, moves)
