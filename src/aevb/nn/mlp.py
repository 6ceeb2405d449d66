"""The hidden layers of a network, h = f(W x + b) once or several times; f = tanh and one layer in appendix C.

h_1 = f(W_1 v + b_1),   h_i = f(W_i h_{i-1} + b_i)
"""

import itertools
from collections.abc import Callable, Iterable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aevb.errors import UserError
from aevb.nn.matmul import Linear, tanh_affine
from aevb.types import HiddenDim

__all__ = ["Activation", "activation_function", "hidden_layers", "hidden_units"]

Activation = Literal["tanh", "relu", "softplus", "sigmoid", "elu", "silu", "gelu", "leaky_relu"]

_FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": F.relu,
    "softplus": F.softplus,
    "sigmoid": torch.sigmoid,
    "elu": F.elu,
    "silu": F.silu,
    "gelu": F.gelu,
    "leaky_relu": F.leaky_relu,
}


def activation_function(name: Activation) -> Callable[[Tensor], Tensor]:
    """Return the activation function with the given name.

    Args:
        name: "tanh" (the paper's), "relu", "softplus", "sigmoid", "elu", "silu", "gelu" or "leaky_relu"
            (slope 0.01).

    Returns:
        A function that is applied elementwise.
    """
    return _FUNCTIONS[name]


def hidden_layers(inputs: int, hidden_dim: HiddenDim) -> tuple[Linear, nn.ModuleList | tuple[()], int]:
    """Return the hidden layers of a network.

    Args:
        inputs: Number of inputs.
        hidden_dim: Units of one hidden layer, or of each of several, the first one first.

    Returns:
        The first layer; the further ones, of which there are none for a single number; and the units of
        the last one. A network with one layer has the parameters that it had without the list, in the
        same order, so that its initial values are the same.

    Raises:
        UserError: The list is empty.
    """
    widths = hidden_dim if isinstance(hidden_dim, list) else [hidden_dim]
    if not widths:
        raise UserError("hidden_dim=[]: no hidden layer; allowed: an integer, or a list of them; try: hidden_dim=500")
    deeper = nn.ModuleList(Linear(width, after) for width, after in itertools.pairwise(widths))
    # No empty list among the modules: model.pt of a network with one layer keeps its bytes.
    return Linear(inputs, widths[0]), deeper if len(deeper) else (), widths[-1]


def hidden_units(
    first: nn.Module, deeper: Iterable[nn.Module], activation: Callable[[Tensor], Tensor], v: Tensor
) -> Tensor:
    """Return the units of the last hidden layer.

    Args:
        first: The first layer.
        deeper: The further layers.
        activation: f.
        v: Inputs, (..., inputs).

    Returns:
        h, (..., units of the last layer).
    """
    h = _units(first, activation, v)
    for layer in deeper:
        h = _units(layer, activation, h)
    return h


def _units(layer: nn.Module, activation: Callable[[Tensor], Tensor], v: Tensor) -> Tensor:
    if activation is torch.tanh and type(layer) is Linear:
        return tanh_affine(v, layer.weight, layer.bias)
    return activation(layer(v))
