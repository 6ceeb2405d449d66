"""The hidden layer that encoder and decoder share: h = f(W x + b), appendix C with f = tanh."""

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Activation", "activation_function"]

Activation = Literal["tanh", "relu", "softplus", "sigmoid", "elu", "silu"]

_FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": F.relu,
    "softplus": F.softplus,
    "sigmoid": torch.sigmoid,
    "elu": F.elu,
    "silu": F.silu,
}


def activation_function(name: Activation) -> Callable[[Tensor], Tensor]:
    """The function R -> R of that name; tanh is the paper's."""
    return _FUNCTIONS[name]
