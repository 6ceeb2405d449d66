"""Activation functions f of the hidden layers h = f(W x + b); f = tanh in appendix C."""

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
    """Return the activation function with the given name.

    Args:
        name: "tanh" (the paper's), "relu", "softplus", "sigmoid", "elu" or "silu".

    Returns:
        A function that is applied elementwise.
    """
    return _FUNCTIONS[name]
