r"""Networks with Bernoulli output (appendix C.1, eq. 11).

    one hidden layer   y = sigmoid(W2 tanh(W1 v + b1) + b2)
    linear             y = sigmoid(W v + b)

log p(x|z) = sum_d x_d log y_d + (1 - x_d) log(1 - y_d). As decoder v = z and y are pixels; as encoder v = x and the result is a
factorial q(z|x) over {0, 1}^J. The linear decoder is one layer of a sigmoid belief network (Neal 1992), 784V-200H of the papers.
"""

from torch import Tensor, nn

from aevb.distributions import Bernoulli
from aevb.nn.matmul import Linear
from aevb.nn.mlp import Activation, activation_function
from aevb.types import PositiveInt

__all__ = ["BernoulliDecoder", "BernoulliEncoder", "LinearBernoulliDecoder", "LinearBernoulliEncoder"]


class BernoulliDecoder(nn.Module):
    """p(x|z) = Bernoulli(y(z)), one hidden layer.

    data_dim: D. latent_dim: J. hidden_dim: units. Parameters: hidden.*, logits.*
    """

    capturable = True
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


class BernoulliEncoder(nn.Module):
    """q(z|x) = prod_j Bernoulli(z_j; rho_j(x)), one hidden layer.

    data_dim: D. latent_dim: J. hidden_dim: units. Parameters: hidden.*, logits.*
    """

    capturable = True
    discrete = True  # draws have no derivative

    def __init__(
        self, data_dim: int, latent_dim: PositiveInt, hidden_dim: PositiveInt, activation: Activation = "tanh"
    ) -> None:
        super().__init__()
        self.hidden = Linear(data_dim, hidden_dim)
        self.logits = Linear(hidden_dim, latent_dim)
        self.activation = activation_function(activation)

    def forward(self, x: Tensor) -> Bernoulli:
        """x (..., D) -> q(z|x) over (..., J)."""
        return Bernoulli(self.logits(self.activation(self.hidden(x))))


class LinearBernoulliDecoder(nn.Module):
    """p(x|z) = Bernoulli(sigmoid(W z + b)). Parameters: logits.*"""

    capturable = True
    unit_interval = True

    def __init__(self, data_dim: int, latent_dim: PositiveInt) -> None:
        super().__init__()
        self.logits = Linear(latent_dim, data_dim)

    def forward(self, z: Tensor) -> Bernoulli:
        """z (..., J) -> p(x|z) over (..., D)."""
        return Bernoulli(self.logits(z))


class LinearBernoulliEncoder(nn.Module):
    """q(z|x) = Bernoulli(sigmoid(A x + c)). Parameters: logits.*"""

    capturable = True
    discrete = True

    def __init__(self, data_dim: int, latent_dim: PositiveInt) -> None:
        super().__init__()
        self.logits = Linear(data_dim, latent_dim)

    def forward(self, x: Tensor) -> Bernoulli:
        """x (..., D) -> q(z|x) over (..., J)."""
        return Bernoulli(self.logits(x))
