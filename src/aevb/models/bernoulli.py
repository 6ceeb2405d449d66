r"""Multilayer perceptron with Bernoulli output (appendix C.1, eq. 11).

y = sigmoid(W2 tanh(W1 z + b1) + b2),   log p(x|z) = sum_d x_d log y_d + (1 - x_d) log(1 - y_d)
"""

from torch import Tensor, nn

from aevb.distributions import Bernoulli
from aevb.models.mlp import Activation, activation_function
from aevb.products import Linear
from aevb.ranges import PositiveInt

__all__ = ["BernoulliDecoder"]


class BernoulliDecoder(nn.Module):
    """p(x|z) = Bernoulli(y(z)), one hidden layer.

    data_dim: D. latent_dim: J. hidden_dim: units. Parameters: hidden.*, logits.*
    """

    unit_interval = True  # targets outside [0, 1] have no meaning under it

    def __init__(
        self, data_dim: int, latent_dim: PositiveInt, hidden_dim: PositiveInt, activation: Activation = "tanh"
    ) -> None:
        super().__init__()
        self.hidden = Linear(latent_dim, hidden_dim)
        self.logits = Linear(hidden_dim, data_dim)
        self.activation = activation_function(activation)

    def forward(self, z: Tensor) -> Bernoulli:
        """z (..., J) -> p(x|z) over (..., D)."""
        return Bernoulli(self.logits(self.activation(self.hidden(z))))
