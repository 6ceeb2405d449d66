r"""The conditional variational auto-encoder: a class y is given to both networks.

    p(x, z | y) = p(z) p(x|z, y),   q(z|x, y)
    log p(x|y) >= E_q [log p(x|z, y)] - KL(q(z|x, y) || p(z))

This is the model of Sohn, Lee & Yan (2015) with a prior that does not depend on y, and the part of the model M2 of
Kingma et al. (2014) that sees the class. y is a one-hot vector of C classes that is joined to the inputs of the first
layer of each network.

A datapoint is a row (x, y): its D pixels and then the C columns of y. The encoder takes rows. The decoder takes z alone
and returns `GivenLabels`, which reads y in the rows whose density is asked for. So log p(x, z|y) - log q(z|x, y) is
written as that of a plain VAE, and every objective and estimator that needs no more computes bounds and estimates of
log p(x|y).
"""

from collections.abc import Callable
from typing import Any, Literal, NoReturn

import torch
from torch import Tensor, nn

from aevb.distributions.base import Distribution
from aevb.errors import UserError
from aevb.models.base import Decoder
from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.gaussian import GaussianDecoder, GaussianEncoder, has_unbounded_density
from aevb.models.vae import VAE
from aevb.nn.initialization import Initialization
from aevb.nn.mlp import Activation
from aevb.noise import Noise
from aevb.types import HiddenDim, NonNegativeFloat, PositiveInt, Seed

__all__ = [
    "ConditionalBernoulliDecoder",
    "ConditionalEncoder",
    "ConditionalGaussianDecoder",
    "ConditionalVAE",
    "GivenLabels",
    "LabelledDecoder",
]

Network = Callable[[Tensor], Any]


class GivenLabels:
    """p(x|z, y) as a function of rows (x, y).

    Args:
        network: (z, y), (..., J + C), -> p(x|z, y).
        z: Latent variables, (..., J).
        num_classes: Number of classes, C.
    """

    def __init__(self, network: Network, z: Tensor, num_classes: int) -> None:
        self.network, self.z, self.num_classes = network, z, num_classes

    def for_labels(self, y: Tensor) -> Any:
        """Return p(x|z, y).

        Args:
            y: One-hot vectors, (..., C).

        Returns:
            The distribution over (..., D); the leading axes are those of z and y, broadcast.
        """
        leading = torch.broadcast_shapes(self.z.shape[:-1], y.shape[:-1])
        return self.network(torch.cat([self.z.expand(*leading, -1), y.expand(*leading, -1)], -1))

    def log_prob(self, rows: Tensor) -> Tensor:
        """Return log p(x|z, y).

        Args:
            rows: (x, y), (..., D + C).

        Returns:
            Log-densities in nats, (...).
        """
        x, y = rows[..., : -self.num_classes], rows[..., -self.num_classes :]
        return self.for_labels(y).log_prob(x)

    @property
    def mean(self) -> NoReturn:
        """Refuse: without y there is no mean."""
        self._refuse()

    @property
    def mode(self) -> NoReturn:
        """Refuse: without y there is no mode."""
        self._refuse()

    def sample(self, noise: Noise, samples: int | None = None) -> NoReturn:
        """Refuse: without y there is nothing to draw from.

        Args:
            noise: The random numbers.
            samples: Number of draws.
        """
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise UserError(
            "model=conditional: p(x|z) is defined for given labels only; allowed: p(x|z, y); "
            "try: aevb.load(RUN).decode(z, y), or aevb.load(RUN).sample(labels=[0, 1, 2])"
        )


class ConditionalEncoder(GaussianEncoder):
    """q(z|x, y) = N(mu(x, y), diag sigma^2(x, y)).

    Args:
        data_dim: Number of pixels, D.
        num_classes: Number of classes, C.
        latent_dim: Number of latent dimensions, J.
        hidden_dim: Number of hidden units, or of those of each hidden layer.
        activation: Activation function of the hidden layers.
        variance: A fixed variance instead of sigma^2(x, y); 0: q(z|x, y) is a point.
    """

    def __init__(
        self,
        data_dim: int,
        num_classes: int,
        latent_dim: PositiveInt,
        hidden_dim: HiddenDim,
        activation: Activation = "tanh",
        variance: NonNegativeFloat | None = None,
    ) -> None:
        super().__init__(data_dim + num_classes, latent_dim, hidden_dim, activation, variance)


class ConditionalBernoulliDecoder(BernoulliDecoder):
    """p(x|z, y) = Bernoulli(pi(z, y)).

    Args:
        data_dim: Number of pixels, D.
        num_classes: Number of classes, C.
        latent_dim: Number of latent dimensions, J.
        hidden_dim: Number of hidden units, or of those of each hidden layer.
        activation: Activation function of the hidden layers.
    """

    def __init__(
        self,
        data_dim: int,
        num_classes: int,
        latent_dim: PositiveInt,
        hidden_dim: HiddenDim,
        activation: Activation = "tanh",
    ) -> None:
        super().__init__(data_dim, latent_dim + num_classes, hidden_dim, activation)
        self.num_classes = num_classes

    def forward(self, z: Tensor) -> GivenLabels:  # type: ignore[override]
        """Return p(x|z, y) as a function of rows (x, y).

        Args:
            z: Latent variables, (..., J).
        """
        return GivenLabels(super().forward, z, self.num_classes)


class ConditionalGaussianDecoder(GaussianDecoder):
    """p(x|z, y) = N(mu(z, y), diag sigma^2(z, y)).

    Args:
        data_dim: Number of pixels, D.
        num_classes: Number of classes, C.
        latent_dim: Number of latent dimensions, J.
        hidden_dim: Number of hidden units, or of those of each hidden layer.
        activation: Activation function of the hidden layers.
        mean: Output function of the mean: "sigmoid" for data in (0, 1), or "linear".
        min_std: Floor of the standard deviation.
    """

    def __init__(
        self,
        data_dim: int,
        num_classes: int,
        latent_dim: PositiveInt,
        hidden_dim: HiddenDim,
        activation: Activation = "tanh",
        mean: Literal["sigmoid", "linear"] = "sigmoid",
        min_std: NonNegativeFloat = 0.0,
    ) -> None:
        super().__init__(data_dim, latent_dim + num_classes, hidden_dim, activation, mean, min_std)
        self.num_classes = num_classes

    def forward(self, z: Tensor) -> GivenLabels:  # type: ignore[override]
        """Return p(x|z, y) as a function of rows (x, y).

        Args:
            z: Latent variables, (..., J).
        """
        return GivenLabels(super().forward, z, self.num_classes)


class LabelledDecoder(Decoder):
    """Any decoder of J + C latent dimensions, as p(x|z, y).

    Args:
        network: (z, y), (..., J + C), -> p(x|z, y).
        num_classes: Number of classes, C.
    """

    def __init__(self, network: nn.Module, num_classes: int) -> None:
        super().__init__()
        self.network: nn.Module = network
        self.num_classes = num_classes
        self.likelihood = getattr(network, "likelihood", None)
        self.learned_variance = has_unbounded_density(network)

    def forward(self, z: Tensor) -> GivenLabels:
        """Return p(x|z, y) as a function of rows (x, y).

        Args:
            z: Latent variables, (..., J).
        """
        return GivenLabels(self.network, z, self.num_classes)


class ConditionalVAE(VAE):
    """A VAE whose datapoints are rows (x, y), (..., D + C).

    Args:
        encoder: (x, y), (..., D + C), -> q(z|x, y); None for a model without one.
        decoder: z, (..., J), -> `GivenLabels`.
        prior: () -> p(z).
        initialization: Scheme that sets the initial parameters (aevb.nn.initialization); None: unchanged.
        seed: Seed of the initialisation.
        theta_log_var: None: there is no q(theta) (see `VAE`).

    Raises:
        UserError: The supports of q(z|x, y) and p(z) do not match, or theta_log_var is given.
    """

    conditional = True

    def __init__(
        self,
        encoder: nn.Module | None,
        decoder: nn.Module,
        prior: nn.Module,
        initialization: Initialization | None = None,
        seed: Seed = 0,
        theta_log_var: float | None = None,
    ) -> None:
        if theta_log_var is not None:
            raise UserError(
                f"model.theta_log_var={theta_log_var:g}: a conditional model has no q(theta); allowed: null; "
                "try: model=bernoulli"
            )
        super().__init__(encoder, decoder, prior, initialization, seed)

    @property
    def num_classes(self) -> int:
        """Number of classes, C."""
        return int(self.decoder.num_classes)  # type: ignore[arg-type]  # nn.Module hides the type

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the pixels, (..., D), and the labels, (..., C), of rows.

        Args:
            x: Rows (x, y), (..., D + C).
        """
        return x[..., : -self.num_classes], x[..., -self.num_classes :]

    def decode(self, z: Tensor, x: Tensor) -> Distribution:
        """Return p(x|z, y) for the labels of rows.

        Args:
            z: Latent variables, (..., M, J).
            x: Rows (x, y), (M, D + C).
        """
        return self.decoder(z).for_labels(self.split(x)[1])

    @torch.no_grad()
    def generate(self, count: int, noise: Noise, y: Tensor | None = None) -> Distribution:
        """Return p(x|z, y) at draws z ~ p(z).

        Args:
            count: Number of draws.
            noise: The random numbers.
            y: One-hot vectors, (count, C); None: the classes in turn, 0, 1, ..., C - 1, 0, ...

        Returns:
            p(x|z, y) over (count, D).
        """
        z = self.sample_prior(count, noise)
        if y is None:
            labels = torch.arange(count, device=z.device) % self.num_classes
            y = nn.functional.one_hot(labels, self.num_classes).to(z.dtype)
        return self.decoder(z).for_labels(y)
