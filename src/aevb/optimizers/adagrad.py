r"""Adagrad as the authors ran it (Duchi et al. 2011; the accumulate-only start of their code).

    s <- s + g^2;   if t > warmup:  w <- w + lr * g / sqrt(s + eps),   s_0 = 0, g summed over the minibatch

The update does not change when g is scaled, except through eps. On a mean over M datapoints g is 1/M of
the sum, so the same rule has eps / M^2 inside the root. That is torch's Adagrad whose accumulator starts
at this number, and whose own eps, outside the root, is zero; during the warm-up its learning rate is zero:

    optimizer = torch.optim.Adagrad(params, lr=lr, eps=0.0, initial_accumulator_value=eps / batch_size**2)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: float(step >= warmup))

    loss.backward()
    optimizer.step()
    scheduler.step()

These lines are the definition (tests/optimizers/test_adagrad.py holds the class to them). The class below
is faster: on a CPU it calls torch's fused kernel without the code that torch runs around it, which takes a
third as long as the kernel. On other devices it uses torch's operations on lists and looks the warm-up up
on the device, since asking how many steps there were would stall the device, and cannot be done in a CUDA
graph.

All parameters take their steps together, so there is one count of steps, the "step" in the state of each.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from aevb.types import NonNegativeInt, PositiveFloat

__all__ = ["AuthorsAdagrad"]


class AuthorsAdagrad(torch.optim.Adagrad):
    """The authors' Adagrad, for the gradient of a mean loss.

    Args:
        params: Parameters, or groups of them with a `weight_decay`.
        batch_size: Size of a minibatch, M.
        lr: Global learning rate; the paper chose it from {0.01, 0.02, 0.1}.
        warmup: Minibatches at the beginning that accumulate squared gradients and change no parameter.
        eps: Inside the root, for gradients summed over the minibatch.
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
        self.warmup = warmup
        self._known_steps: tuple[Tensor, int, int] | None = None  # the count, its version, and the number in it

    def _count(self) -> Tensor:
        states = list(self.state.values())
        count: Tensor = states[0]["step"]
        if states[-1]["step"] is not count:  # loading a state, or moving it to a device, makes several of it
            for state in states:
                state["step"] = count
        return count

    def _steps(self, count: Tensor) -> int:
        # Reading a tensor takes as long as updating a small layer, so it is read only if it was changed or replaced.
        if self._known_steps is None or self._known_steps[0] is not count or self._known_steps[1] != count._version:
            return int(count)
        return self._known_steps[2]

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Accumulate the squared gradients and, after the warm-up, update the parameters.

        Args:
            closure: Not used; there as in torch.
        """
        count = self._count()
        steps = self._steps(count) if _on_host(count) else count
        is_warm = steps >= self.warmup
        count += 1
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            if not parameters:
                continue
            gradients = [parameter.grad for parameter in parameters]
            sums = [self.state[parameter]["sum"] for parameter in parameters]
            decay, lr = group["weight_decay"], group["lr"]
            if isinstance(is_warm, Tensor):
                _adagrad(parameters, gradients, sums, lr * is_warm.to(parameters[0]), decay)
            else:
                options = {"lr": lr * is_warm, "lr_decay": 0.0, "weight_decay": decay, "eps": 0.0}
                counts = [count] * len(parameters)
                torch._fused_adagrad_(parameters, gradients, sums, counts, maximize=False, **options)
        if not isinstance(steps, Tensor):
            self._known_steps = count, count._version, steps + 1


# Otherwise torch wraps `step` in a profiler range and in hooks that are not used here, which takes time at every step.
setattr(AuthorsAdagrad.step, "hooked", True)  # noqa: B010


def _on_host(tensor: Tensor) -> bool:
    return tensor.device.type == "cpu"


def _adagrad(
    parameters: list[Tensor], gradients: list[Tensor], sums: list[Tensor], lr: Tensor, weight_decay: float
) -> None:
    # lr: a scalar on the device.
    g = torch._foreach_add(gradients, parameters, alpha=weight_decay)
    torch._foreach_addcmul_(sums, g, g)
    steps = torch._foreach_div(g, torch._foreach_sqrt(sums))
    torch._foreach_mul_(steps, lr)
    torch._foreach_sub_(parameters, steps)
