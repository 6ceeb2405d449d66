r"""Two stochastic layers (Rezende et al. 2014; Burda et al. 2016, section 5): z = (z1, z2), z1 next to x.

    p(z2) = N(0, I),   p(z1|z2) = N(mu(z2), diag sigma^2(z2)),   p(x|z) = p(x|z1)
    q(z1|x) = N(mu(x), diag sigma^2(x)),   q(z2|z1) = N(mu(z1), diag sigma^2(z1))

z1 and z2 are the columns of one z, (..., J1 + J2). q(z|x) and p(z) are products of normal densities, so
everything that samples log p(x, z) - log q(z|x) works as for one layer: SGVB A, the importance-weighted bound,
importance sampling. KL(q || p) has no closed form. The network of p(z1|z2) belongs to theta.

Annealed importance sampling needs a prior that is a normal density. In the coordinates u = (u1, z2) with
z1 = mu(z2) + sigma(z2) u1 it is N(0, I), and log p(x) is the same (`TwoLayerVAE.non_centred`).
"""

from collections.abc import Callable
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from aevb.data.target_convention import Likelihood
from aevb.distributions import DiagonalNormal
from aevb.distributions.base import Distribution, NoClosedForm
from aevb.models.base import Decoder, Encoder, Prior
from aevb.models.gaussian import GaussianEncoder, has_unbounded_density
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.nn.initialization import Initialization, initialize
from aevb.nn.mlp import Activation
from aevb.noise import Noise
from aevb.types import HiddenDim, PositiveInt, Seed

__all__ = ["Stacked", "TwoLayerEncoder", "TwoLayerPrior", "TwoLayerVAE"]

Conditional = Callable[[Tensor], DiagonalNormal]


class Stacked:
    """The distribution of (z1, z2): one of them is normal, the other normal given it.

    Args:
        first: The one that is drawn first: q(z1|x), or p(z2).
        second: From a draw of it to the distribution of the other.
        dims: J1, the number of columns of z1.
        top_first: Whether z2 is drawn first, as in p.
    """

    def __init__(self, first: DiagonalNormal, second: Conditional, dims: int, top_first: bool) -> None:
        self.first, self.second, self.dims, self.top_first = first, second, dims, top_first

    def _joined(self, first: Tensor, second: Tensor) -> Tensor:
        second = second.expand(*first.shape[:-1], -1)
        return torch.cat((second, first) if self.top_first else (first, second), -1)

    @property
    def mean(self) -> Tensor:
        """The mean of the first, and that of the second given it, (..., J1 + J2)."""
        return self._joined(self.first.mean, self.second(self.first.mean).mean)

    @property
    def mode(self) -> Tensor:
        """The same as `mean`, (..., J1 + J2)."""
        return self.mean

    @property
    def log_var(self) -> Tensor:
        """The log-variance of the first, and that of the second given the mean of the first, (..., J1 + J2)."""
        return self._joined(self.first.log_var, self.second(self.first.mean).log_var)

    def rows(self, count: int) -> "Stacked":
        """Expand the distribution to `count` rows.

        Args:
            count: Number of rows.
        """
        return Stacked(self.first.rows(count), self.second, self.dims, self.top_first)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the joint log-density.

        Args:
            value: Points, (..., J1 + J2).

        Returns:
            Log-densities in nats, (...).
        """
        z1, z2 = value[..., : self.dims], value[..., self.dims :]
        first, second = (z2, z1) if self.top_first else (z1, z2)
        return self.first.log_prob(first) + self.second(first).log_prob(second)

    def rsample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """Draw samples by reparameterisation, the first one and then the other.

        Args:
            noise: The random numbers.
            samples: Number of draws per row; None: one draw without a leading axis.

        Returns:
            Draws, (..., J1 + J2) or (samples, ..., J1 + J2).
        """
        first = self.first.rsample(noise, samples)
        return self._joined(first, self.second(first).rsample(noise))

    @torch.no_grad()
    def sample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """Draw samples; no gradient passes through them. As `rsample`.

        Args:
            noise: The random numbers.
            samples: Number of draws per row; None: one draw without a leading axis.
        """
        return self.rsample(noise, samples)

    def kl(self, other: Distribution) -> NoReturn:
        """Refuse: there is no closed form.

        Args:
            other: The prior.

        Raises:
            NoClosedForm: Always.
        """
        raise NoClosedForm("two-layer normal", "two-layer normal")


class TwoLayerEncoder(Encoder):
    """q(z1|x) q(z2|z1), each a Gaussian network.

    Args:
        data_dim: Number of pixels, D.
        latent_dim: Dimensions of z1, J1.
        hidden_dim: Hidden units between x and z1.
        top_latent_dim: Dimensions of z2, J2.
        top_hidden_dim: Hidden units between z1 and z2.
        activation: Activation function of the hidden layers; tanh in the paper.
    """

    family = "two-layer normal"

    def __init__(
        self,
        data_dim: int,
        latent_dim: PositiveInt,
        hidden_dim: HiddenDim,
        top_latent_dim: PositiveInt,
        top_hidden_dim: HiddenDim,
        activation: Activation = "tanh",
    ) -> None:
        super().__init__()
        self.dims = latent_dim
        self.lower: nn.Module = GaussianEncoder(data_dim, latent_dim, hidden_dim, activation)
        self.upper: nn.Module = GaussianEncoder(latent_dim, top_latent_dim, top_hidden_dim, activation)

    def forward(self, x: Tensor) -> Stacked:
        """Return q(z1, z2 | x).

        Args:
            x: Images, (..., D).
        """
        return Stacked(self.lower(x), self.upper, self.dims, top_first=False)


class TwoLayerPrior(Prior):
    """p(z2) = N(0, I) and p(z1|z2), a Gaussian network.

    Args:
        latent_dim: Dimensions of z1, J1.
        top_latent_dim: Dimensions of z2, J2.
        top_hidden_dim: Hidden units between z2 and z1.
        activation: Activation function of the hidden layers.
    """

    family = "two-layer normal"

    def __init__(
        self,
        latent_dim: PositiveInt,
        top_latent_dim: PositiveInt,
        top_hidden_dim: HiddenDim,
        activation: Activation = "tanh",
    ) -> None:
        super().__init__()
        self.dims, self.top = latent_dim, StandardNormal(top_latent_dim)
        self.lower: nn.Module = GaussianEncoder(top_latent_dim, latent_dim, top_hidden_dim, activation)

    def forward(self) -> Stacked:
        """Return p(z1, z2) over (J1 + J2,)."""
        return Stacked(self.top(), self.lower, self.dims, top_first=True)


class _Below(Decoder):
    """p(x|z1), as a function of (z1, z2)."""

    def __init__(self, decoder: nn.Module, dims: int) -> None:
        super().__init__()
        self.decoder: nn.Module = decoder
        self.dims, self.likelihood = dims, _likelihood(decoder)
        self.learned_variance = has_unbounded_density(decoder)

    def forward(self, z: Tensor) -> Distribution:
        return self.decoder(z[..., : self.dims])


class _NonCentred(Decoder):
    """p(x|z1(u)) as a function of u = (u1, z2)."""

    def __init__(self, model: "TwoLayerVAE") -> None:
        super().__init__()
        self.lower, self.decoder = model.prior.get_submodule("lower"), model.decoder.get_submodule("decoder")
        self.dims, self.likelihood = model.dims, _likelihood(self.decoder)

    def forward(self, u: Tensor) -> Distribution:
        pz1 = self.lower(u[..., self.dims :])
        return self.decoder(pz1.mean + pz1.scale * u[..., : self.dims])


def _likelihood(decoder: nn.Module) -> Likelihood | None:
    likelihood: Any = getattr(decoder, "likelihood", None)
    return likelihood


class TwoLayerVAE(VAE):
    """A model with two stochastic layers.

    Args:
        encoder: The encoder.
        decoder: z1, (..., J1), -> p(x|z1): a decoder of a model with one layer.
        prior: The prior.
        initialization: Scheme that sets the initial parameters (aevb.nn.initialization); None: they
            are left unchanged.
        seed: Seed of the initialisation.

    Attributes:
        latent_dim: Columns of z, J1 + J2.
    """

    objectives = ("sgvb_a", "iwae")

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        prior: nn.Module,
        initialization: Initialization | None = None,
        seed: Seed = 0,
    ) -> None:
        dims = int(getattr(prior, "dims"))  # noqa: B009 (a TwoLayerPrior, which nn.Module hides)
        super().__init__(encoder, _Below(decoder, dims), prior, initialization, seed)
        self.dims = dims
        self.latent_dim = prior().mean.shape[-1]
        if initialization is not None:
            initialize(nn.Module(), prior, initialization, seed, "initialization of the prior")

    def non_centred(self) -> VAE:
        """Return the same model with a standard normal prior and without an encoder.

        Returns:
            A model over u, (..., J1 + J2), with the same parameters and the same p(x).
        """
        parameter = next(self.parameters())
        return VAE(None, _NonCentred(self), StandardNormal(self.latent_dim)).to(parameter.device, parameter.dtype)
