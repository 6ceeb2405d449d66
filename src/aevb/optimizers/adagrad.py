r"""Adagrad as the authors ran it (Duchi et al. 2011; their code's accumulate-only start).

    s <- s + g^2;   if t > warmup:  w <- w + lr * g / sqrt(s + eps),   s_0 = 0, g summed over the minibatch

The update does not change when g is scaled, except through eps. On a mean over M datapoints g is 1/M of the sum, so the
same rule has eps / M^2 inside the root. It is torch's fused Adagrad whose accumulator starts at that number and
whose own eps, outside the root, is zero; during the warm-up its stepsize is zero.
"""

from collections.abc import Callable
from typing import Any

import torch

from aevb.ranges import NonNegativeInt, PositiveFloat

__all__ = ["AuthorsAdagrad"]


class AuthorsAdagrad(torch.optim.Adagrad):
    """The authors' Adagrad on the gradient of a mean loss.

    params: parameters or groups of them. batch_size: M. lr: the global stepsize, {0.01, 0.02, 0.1} in the paper. warmup:
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

    def step(self, closure: Callable[[], float] | None = None) -> Any:  # type: ignore[override]
        """One accumulation and, after the warm-up, one move."""
        for group in self.param_groups:
            steps = self.state[group["params"][0]]["step"].item()
            group["lr"] = self.lr if steps >= self.warmup else 0.0
        return super().step(closure)
