r"""Linear-Gaussian networks: factor analysis as a VAE, whose likelihood is known in closed form.

    p(z) = N(0, I),   p(x|z) = N(W z + b, diag s^2),   p(x) = N(b, W W' + diag s^2)
    q(z|x) = N(A x + c, diag v),   exact posterior precision  W' diag(s^-2) W + I

With a shared s it is probabilistic PCA (Tipping & Bishop 1999). A diagonal q can equal the exact
posterior if and only if the posterior precision is diagonal. Every maximum of the likelihood has a
rotation for which it is, so the bound of a trained model can be tight (Lucas et al. 2019).
"""

import torch
from torch import Tensor, nn

from aevb.distributions import DiagonalNormal
from aevb.models.base import Decoder, Encoder
from aevb.nn.matmul import Linear
from aevb.types import PositiveInt

__all__ = ["LinearGaussianDecoder", "LinearGaussianEncoder"]


class LinearGaussianEncoder(Encoder):
    """q(z|x) = N(A x + c, diag v) with the same v for all x.

    Args:
        data_dim: Number of pixels, D.
        latent_dim: Number of latent dimensions, J.
    """

    capturable = True

    def __init__(self, data_dim: int, latent_dim: PositiveInt) -> None:
        super().__init__()
        self.mean = Linear(data_dim, latent_dim)
        self.log_var = nn.Parameter(torch.zeros(latent_dim))

    def forward(self, x: Tensor) -> DiagonalNormal:
        """Return q(z|x).

        Args:
            x: Images, (..., D).

        Returns:
            q(z|x) over (..., J).
        """
        return DiagonalNormal(self.mean(x), self.log_var)


class LinearGaussianDecoder(Decoder):
    """p(x|z) = N(W z + b, diag s^2).

    Args:
        data_dim: Number of pixels, D.
        latent_dim: Number of latent dimensions, J.
        shared: Whether all pixels share one noise variance s^2 (probabilistic PCA) or have one each
            (factor analysis).
    """

    capturable = True
    likelihood = "gaussian"
    learned_variance = True  # of every pixel, unless shared

    def __init__(self, data_dim: int, latent_dim: PositiveInt, shared: bool = True) -> None:
        super().__init__()
        self.learned_variance = not shared
        self.mean = Linear(latent_dim, data_dim)
        self.log_var = nn.Parameter(torch.zeros(1 if shared else data_dim))

    def forward(self, z: Tensor) -> DiagonalNormal:
        """Return p(x|z).

        Args:
            z: Latent variables, (..., J).

        Returns:
            p(x|z) over (..., D).
        """
        mean = self.mean(z)
        return DiagonalNormal(mean, self.log_var.expand_as(mean))

    def marginal(self) -> torch.distributions.MultivariateNormal:
        """Return p(x) = N(b, W W' + diag s^2) in closed form, a distribution over (D,)."""
        weight, bias = self.mean.weight, self.mean.bias
        noise = torch.exp(self.log_var).expand(len(bias))
        return torch.distributions.MultivariateNormal(bias, weight @ weight.T + torch.diag(noise))
