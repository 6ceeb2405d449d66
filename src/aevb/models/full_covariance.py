r"""q(z|x) with a full covariance matrix (Kingma & Welling 2019, An Introduction to VAEs, section 2.5.1).

    h = f(W x + b),   mu = W_1 h + b_1,   log L_jj^2 = W_2 h + b_2,   L_jk = L_jj (W_3 h + b_3) for k < j
    q(z|x) = N(mu, L L')

L is lower triangular with a positive diagonal, so it is the Cholesky factor of the covariance matrix and every
covariance matrix has exactly one. The head of the diagonal is that of `GaussianEncoder`: with W_3 = 0 and b_3 = 0 it is the same q.
The last head gives the elements below the diagonal in units of their row's L_jj: as numbers of their own, their errors would be as
large where the posterior is narrow, and cost more than the correlations gain (docs/flows).
"""

import torch
from torch import Tensor

from aevb.distributions.triangular_normal import TriangularNormal
from aevb.models.base import Encoder
from aevb.nn.matmul import Linear
from aevb.nn.mlp import Activation, activation_function, hidden_layers, hidden_units
from aevb.types import HiddenDim, PositiveInt

__all__ = ["FullCovarianceEncoder"]


class FullCovarianceEncoder(Encoder):
    """q(z|x) = N(mu(x), L(x) L(x)').

    Args:
        data_dim: Number of pixels, D.
        latent_dim: Number of latent dimensions, J.
        hidden_dim: Number of hidden units, or of those of each hidden layer.
        activation: Activation function of the hidden layers.
    """

    family = "full_covariance"
    below: Tensor

    def __init__(
        self, data_dim: int, latent_dim: PositiveInt, hidden_dim: HiddenDim, activation: Activation = "tanh"
    ) -> None:
        super().__init__()
        self.hidden, self.deeper, width = hidden_layers(data_dim, hidden_dim)
        self.mean = Linear(width, latent_dim)
        self.log_var = Linear(width, latent_dim)
        if latent_dim > 1:
            self.lower = Linear(width, latent_dim * (latent_dim - 1) // 2)
        rows, columns = torch.tril_indices(latent_dim, latent_dim, -1)
        self.register_buffer("below", rows * latent_dim + columns, persistent=False)
        self.activation = activation_function(activation)

    def forward(self, x: Tensor) -> TriangularNormal:
        """Return q(z|x).

        Args:
            x: Images, (..., D).

        Returns:
            q(z|x) over (..., J).
        """
        h = hidden_units(self.hidden, self.deeper, self.activation, x)
        mean, diagonal, dims = self.mean(h), self.log_var(h), self.mean.out_features
        lower = mean.new_zeros(*mean.shape[:-1], dims * dims)
        if dims > 1:
            lower = lower.index_copy(-1, self.below, self.lower(h))
        scale = torch.exp(0.5 * diagonal).unsqueeze(-1)
        return TriangularNormal(mean, diagonal, scale * lower.unflatten(-1, (dims, dims)))
