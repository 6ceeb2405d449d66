"""torch's Adam, whose step on a CPU is the fused kernel alone.

torch runs code around the kernel that takes longer than the kernel for networks of some hundred units. Among other things it
asks before every step whether there is a GPU, and without one that loads NVIDIA's library anew each time: 0.2 ms. The numbers are
those of torch.optim.Adam, bit by bit (tests/optimizers/test_adam.py).
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

__all__ = ["Adam"]


class Adam(torch.optim.Adam):
    """Adam (Kingma & Ba 2015) for parameters that are all on one device.

    Args:
        params: Parameters, or groups of them with a `weight_decay`.
        lr: Learning rate.
        betas: Decay rates of the running means of the gradient and of its square.
        eps: Added to the root.
        capturable: Whether a CUDA graph records the step; for parameters on a GPU.
    """

    def __init__(
        self, params: Any, lr: float, betas: tuple[float, float], eps: float, *, capturable: bool = False
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, fused=True, capturable=capturable)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take a step.

        Args:
            closure: Not used; there as in torch.
        """
        groups = [[p for p in group["params"] if p.grad is not None] for group in self.param_groups]
        if not all(_is_known(parameter, self.state) for parameters in groups for parameter in parameters):
            super().step()  # of a GPU, or the first one, which makes the state
            return
        for group, parameters in zip(self.param_groups, groups, strict=True):
            if parameters:
                states = [self.state[parameter] for parameter in parameters]
                _step(parameters, states, group)


# Otherwise torch wraps `step` in a profiler range and in hooks that are not used here, which takes time at every step.
setattr(Adam.step, "hooked", True)  # noqa: B010


def _is_known(parameter: Tensor, state: Any) -> bool:
    return parameter.device.type == "cpu" and bool(state[parameter])


def _step(parameters: list[Tensor], states: list[dict[str, Tensor]], group: dict[str, Any]) -> None:
    beta1, beta2 = group["betas"]
    counts = [state["step"] for state in states]
    torch._foreach_add_(counts, 1)
    torch._fused_adam_(
        parameters,
        [parameter.grad for parameter in parameters if parameter.grad is not None],
        [state["exp_avg"] for state in states],
        [state["exp_avg_sq"] for state in states],
        [],
        counts,
        lr=group["lr"],
        beta1=beta1,
        beta2=beta2,
        weight_decay=group["weight_decay"],
        eps=group["eps"],
        amsgrad=False,
        maximize=False,
    )
