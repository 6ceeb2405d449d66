r"""Networks with Bernoulli output (appendix C.1, eq. 11).

    one hidden layer   y = sigmoid(W2 tanh(W1 v + b1) + b2)
    linear             y = sigmoid(W v + b)

log p(x|z) = sum_d [x_d log y_d + (1 - x_d) log(1 - y_d)]. For a decoder v = z and y are the pixels.
For an encoder v = x and the result is a factorial q(z|x) over {0, 1}^J. The linear decoder is one
layer of a sigmoid belief network (Neal 1992), written 784V-200H in the literature.
"""

from torch import Tensor

from aevb.distributions import Bernoulli
from aevb.models.base import Decoder, Encoder
from aevb.nn.matmul import Linear
from aevb.nn.mlp import Activation, activation_function, hidden_layers, hidden_units
from aevb.types import HiddenDim, PositiveInt

__all__ = ["BernoulliDecoder", "BernoulliEncoder", "LinearBernoulliDecoder", "LinearBernoulliEncoder"]


class BernoulliDecoder(Decoder):
    """p(x|z) = Bernoulli(y(z)) with one hidden layer.

    Args:
        data_dim: Number of pixels, D.
        latent_dim: Number of latent dimensions, J.
        hidden_dim: Number of hidden units, or of those of each hidden layer.
        activation: Activation function of the hidden layers; tanh in the paper.
    """

    capturable = True
    likelihood = "bernoulli"

    def __init__(
        self, data_dim: int, latent_dim: PositiveInt, hidden_dim: HiddenDim, activation: Activation = "tanh"
    ) -> None:
        super().__init__()
        self.hidden, self.deeper, width = hidden_layers(latent_dim, hidden_dim)
        self.logits = Linear(width, data_dim)
        self.activation = activation_function(activation)

    def forward(self, z: Tensor) -> Bernoulli:
        """Return p(x|z).

        Args:
            z: Latent variables, (..., J).

        Returns:
            p(x|z) over (..., D).
        """
        return Bernoulli(self.logits(hidden_units(self.hidden, self.deeper, self.activation, z)))


class BernoulliEncoder(Encoder):
    """q(z|x) = prod_j Bernoulli(z_j; rho_j(x)) with one hidden layer.

    Args:
        data_dim: Number of pixels, D.
        latent_dim: Number of latent dimensions, J.
        hidden_dim: Number of hidden units, or of those of each hidden layer.
        activation: Activation function of the hidden layers; tanh in the paper.
    """

    capturable = True
    discrete = True
    support = "binary"

    def __init__(
        self, data_dim: int, latent_dim: PositiveInt, hidden_dim: HiddenDim, activation: Activation = "tanh"
    ) -> None:
        super().__init__()
        self.hidden, self.deeper, width = hidden_layers(data_dim, hidden_dim)
        self.logits = Linear(width, latent_dim)
        self.activation = activation_function(activation)

    def forward(self, x: Tensor) -> Bernoulli:
        """Return q(z|x).

        Args:
            x: Images, (..., D).

        Returns:
            q(z|x) over (..., J).
        """
        return Bernoulli(self.logits(hidden_units(self.hidden, self.deeper, self.activation, x)))


class LinearBernoulliDecoder(Decoder):
    """p(x|z) = Bernoulli(sigmoid(W z + b)).

    Args:
        data_dim: Number of pixels, D.
        latent_dim: Number of latent dimensions, J.
    """

    capturable = True
    likelihood = "bernoulli"

    def __init__(self, data_dim: int, latent_dim: PositiveInt) -> None:
        super().__init__()
        self.logits = Linear(latent_dim, data_dim)

    def forward(self, z: Tensor) -> Bernoulli:
        """Return p(x|z).

        Args:
            z: Latent variables, (..., J).

        Returns:
            p(x|z) over (..., D).
        """
        return Bernoulli(self.logits(z))


class LinearBernoulliEncoder(Encoder):
    """q(z|x) = Bernoulli(sigmoid(A x + c)).

    Args:
        data_dim: Number of pixels, D.
        latent_dim: Number of latent dimensions, J.
    """

    capturable = True
    discrete = True
    support = "binary"

    def __init__(self, data_dim: int, latent_dim: PositiveInt) -> None:
        super().__init__()
        self.logits = Linear(data_dim, latent_dim)

    def forward(self, x: Tensor) -> Bernoulli:
        """Return q(z|x).

        Args:
            x: Images, (..., D).

        Returns:
            q(z|x) over (..., J).
        """
        return Bernoulli(self.logits(x))
