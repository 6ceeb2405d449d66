r"""A VAE of data in their own units: both networks see standardised pixels, p(x|z) is a density of the data.

With the mean m_d and the standard deviation s_d of pixel d over the training set,

    q(z|x) = q'(z | (x - m) / s),   p(x|z) = N(m + s mu(z), s^2 sigma^2(z)),

where q', mu and sigma are the networks. At the beginning p(x|z) is about N(m, s^2), the best Gaussian without
latents, whatever the units of the data are. A pixel that is constant has s_d = 1.
"""

from typing import Any

import torch
from torch import Tensor, nn

from aevb.distributions import DiagonalNormal
from aevb.errors import UserError
from aevb.models.vae import VAE, NoEncoder
from aevb.nn.initialization import Initialization
from aevb.types import Seed

__all__ = ["StandardisedDecoder", "StandardisedEncoder", "StandardisedVAE"]


class _Standardised(nn.Module):
    """A network and the units of the data; whatever else is asked for is an attribute of the network."""

    location: Tensor
    scale: Tensor

    def __init__(self, network: nn.Module, data_dim: int) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("location", torch.zeros(data_dim))
        self.register_buffer("scale", torch.ones(data_dim))

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name == "network":
                raise
            return getattr(super().__getattr__("network"), name)


class StandardisedEncoder(_Standardised):
    """q(z|x) = q'(z | (x - m) / s).

    Args:
        network: The encoder q'.
        data_dim: Number of pixels, D.
    """

    def forward(self, x: Tensor) -> Any:
        """Return q(z|x).

        Args:
            x: Images in the units of the data, (..., D).

        Returns:
            q(z|x) over (..., J).
        """
        return self.network(self.standardised(x))

    def standardised(self, x: Tensor) -> Tensor:
        """Return (x - m) / s, which the networks see.

        Args:
            x: Images in the units of the data, (..., D).
        """
        return (x - self.location) / self.scale


class StandardisedDecoder(_Standardised):
    """p(x|z) = N(m + s mu(z), s^2 sigma^2(z)).

    Args:
        network: A decoder whose p(x|z) is a `DiagonalNormal`.
        data_dim: Number of pixels, D.
    """

    def forward(self, z: Tensor) -> DiagonalNormal:
        """Return p(x|z).

        Args:
            z: Latent variables, (..., J).

        Returns:
            p(x|z) over (..., D), in the units of the data.

        Raises:
            UserError: If the decoder is not Gaussian.
        """
        px_z = self.network(z)
        if not isinstance(px_z, DiagonalNormal):
            raise UserError(
                f"model.decoder: {type(self.network).__name__} is not Gaussian, and only a normal distribution is known in "
                "other units; allowed: a Gaussian decoder; try: model=gaussian_linear as it is"
            )
        return DiagonalNormal(self.location + self.scale * px_z.mean, px_z.log_var + 2 * self.scale.log())


class StandardisedVAE(VAE):
    """A VAE whose networks see standardised data.

    Args:
        encoder: x, (..., D), -> q(z|x); None: the model has none.
        decoder: z, (..., J), -> a Gaussian p(x|z).
        prior: () -> p(z).
        data_dim: Number of pixels, D.
        initialization: Scheme that sets the initial parameters (aevb.nn.initialization); None: unchanged.
        seed: Seed of the initialisation.

    Raises:
        UserError: The supports of q(z|x) and p(z) do not match.
    """

    def __init__(
        self,
        encoder: nn.Module | None,
        decoder: nn.Module,
        prior: nn.Module,
        data_dim: int,
        initialization: Initialization | None = None,
        seed: Seed = 0,
    ) -> None:
        super().__init__(encoder, decoder, prior, initialization, seed)
        if encoder is not None:
            self.encoder = StandardisedEncoder(encoder, data_dim)
        self.decoder = StandardisedDecoder(decoder, data_dim)

    @torch.no_grad()
    def set_units(self, x: Tensor) -> None:
        """Take location and scale from the training data.

        Args:
            x: Training images, (N, D).
        """
        # In float64 and by parts: float32 sums of a million large numbers are too coarse, and a copy costs memory.
        count = len(x)
        mean = sum(part.double().sum(0) for part in x.split(4096)) / count
        squares = sum((part.double() - mean).square().sum(0) for part in x.split(4096)) / count
        std = squares.sqrt()
        # A constant pixel has 1: rounding leaves some 1e-8 of its value, and 0 of a pixel that is 0.
        std = torch.where(std > 1e-6 * mean.abs(), std, torch.ones_like(std))
        for network in (self.encoder, self.decoder):
            if isinstance(network, NoEncoder):
                continue
            assert isinstance(network, _Standardised)
            network.location.copy_(mean)
            network.scale.copy_(std)
