r"""Gradient clipping: of the gradient of an update in all of its parameters, before the optimizer step.

    by value:  g_i <- max(-c, min(c, g_i))
    by norm:   g <- g min(1, c / ||g||),   ||g|| over all of them together (Pascanu et al. 2013)

The loss is a mean over the minibatch, and thresholds refer to its gradient. The gradient of the prior on
the weights is added by the optimizer afterwards and is not clipped. On several devices the gradient of the
whole minibatch is clipped.
"""

from collections.abc import Iterable
from typing import NamedTuple

from torch import nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

__all__ = ["Clipping"]


class Clipping(NamedTuple):
    """Thresholds of gradient clipping. If both are given, values are clipped first.

    Attributes:
        value: Largest absolute value of an entry, c; None: not clipped.
        norm: Largest norm of all gradients together, c; None: not clipped.
    """

    value: float | None = None
    norm: float | None = None

    def __call__(self, parameters: Iterable[nn.Parameter]) -> None:
        """Clip gradients in place.

        Args:
            parameters: Their `.grad` is clipped; those without a gradient are left out.
        """
        parameters = list(parameters)
        if self.value is not None:
            clip_grad_value_(parameters, self.value)
        if self.norm is not None:
            clip_grad_norm_(parameters, self.norm)
