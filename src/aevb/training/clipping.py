r"""Gradient clipping, of the gradient of an update's loss in all the parameters that it moves, before the optimiser sees it.

    by value:  g_i <- max(-c, min(c, g_i))
    by norm:   g <- g min(1, c / ||g||),   ||g|| over all of them together (Pascanu et al. 2013)

The losses are means over the minibatch, and so is the gradient that a threshold is of. The gradient of the prior on the
weights is added by the optimiser, afterwards, and is not clipped. On several devices the gradient is that of the whole minibatch.
"""

from collections.abc import Iterable
from typing import NamedTuple

from torch import nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

__all__ = ["UNCLIPPED", "Clipping"]


class Clipping(NamedTuple):
    """Thresholds; `None` is off. With both, values first."""

    value: float | None = None
    norm: float | None = None

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return self.value is not None or self.norm is not None

    def __call__(self, parameters: Iterable[nn.Parameter]) -> None:
        """Clips `.grad` of the parameters, in place; those without one are left out."""
        parameters = list(parameters)
        if self.value is not None:
            clip_grad_value_(parameters, self.value)
        if self.norm is not None:
            clip_grad_norm_(parameters, self.norm)


UNCLIPPED = Clipping()
