"""The discriminator D(x): the probability that x was drawn from the first of two distributions."""

from torch import Tensor, nn
from torch.func import functional_call

from aevb.nn.initialization import initialize
from aevb.nn.matmul import Linear
from aevb.nn.mlp import Activation, HiddenDim, activation_function, hidden_layers
from aevb.types import Seed

__all__ = ["Discriminator"]


class Discriminator(nn.Module):
    """The logit log D(x) - log(1 - D(x)) of a network with one or several hidden layers.

    Where D is optimal between two densities p and q, the logit is log p(x) - log q(x) (Goodfellow et al. 2014, proposition 1).

    Args:
        data_dim: Number of dimensions of x, D.
        hidden_dim: Number of hidden units of one layer, or of each of several.
        activation: Activation function of the hidden layers.
        seed: Seed of the initial parameters, which are Glorot's.
    """

    def __init__(self, data_dim: int, hidden_dim: HiddenDim, activation: Activation = "relu", seed: Seed = 0) -> None:
        super().__init__()
        self.hidden, self.deeper, units = hidden_layers(data_dim, hidden_dim)
        self.logit = Linear(units, 1)
        self.activation = activation_function(activation)
        initialize(nn.Module(), self, "glorot", seed, "discriminator")

    def forward(self, x: Tensor) -> Tensor:
        """Return the logit of D(x).

        Args:
            x: Vectors, (..., D).

        Returns:
            Logits, (...).
        """
        h = self.activation(self.hidden(x))
        for layer in self.deeper:
            h = self.activation(layer(h))
        return self.logit(h)[..., 0]

    def of_fixed(self, x: Tensor) -> Tensor:
        """Return the logit of D(x) with a gradient for x and none for the parameters: for what plays against D.

        Args:
            x: Vectors, (..., D).

        Returns:
            Logits, (...).
        """
        fixed = {name: parameter.detach() for name, parameter in self.named_parameters()}
        logit: Tensor = functional_call(self, fixed, (x,))
        return logit
