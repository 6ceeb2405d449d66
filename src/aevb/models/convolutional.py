r"""A small convolutional encoder and decoder with two layers of stride 2.

    encoder  x -> conv 4x4, C channels -> conv 4x4, 2C channels -> linear -> mu, log sigma^2
    decoder  z -> linear, 2C channels -> transposed conv 4x4, C channels -> transposed conv 4x4 -> image

There is an activation after every layer but the last. p(x|z) is N(f(z), c I) with f in (0, 1) and a
fixed c, or Bernoulli. The larger c is, the larger is the weight of the KL divergence relative to
the reconstruction. The numbers of rows and columns must be multiples of four. An image in colour has three
channels, and its values lie as (rows, columns, 3), so the colours of a pixel are beside each other.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from aevb.data.dataset import ImageShape
from aevb.distributions import Bernoulli, DiagonalNormal
from aevb.errors import UserError
from aevb.models.base import Decoder, Encoder
from aevb.models.fixed_variance import Point, fixed_variance_posterior
from aevb.nn.matmul import Linear
from aevb.nn.mlp import Activation, activation_function
from aevb.types import NonNegativeFloat, PositiveFloat, PositiveInt

__all__ = ["ConvolutionalBernoulliDecoder", "ConvolutionalEncoder", "ConvolutionalGaussianDecoder"]

KERNEL, STRIDE, PADDING = 4, 2, 1  # a convolution halves the side, a transposed one doubles it


class ConvolutionalEncoder(Encoder):
    """q(z|x) = N(mu(x), diag sigma^2(x)).

    Args:
        data_shape: (rows, columns) of an image, or (rows, columns, 3) in colour.
        latent_dim: Number of latent dimensions, J.
        channels: Number of channels of the first layer, C.
        activation: Activation function.
        variance: A fixed variance instead of sigma^2(x); 0: q(z|x) is a point
            (aevb.models.fixed_variance).

    Raises:
        UserError: The number of rows or columns is not a multiple of four.
    """

    def __init__(
        self,
        data_shape: ImageShape,
        latent_dim: PositiveInt,
        channels: PositiveInt = 8,
        activation: Activation = "relu",
        variance: NonNegativeFloat | None = None,
    ) -> None:
        super().__init__()
        self.shape, self.image_channels, self.variance = data_shape[:2], _channels(data_shape), variance
        features = 2 * channels * math.prod(_quarter(data_shape))
        self.first = nn.Conv2d(self.image_channels, channels, KERNEL, STRIDE, PADDING)
        self.second = nn.Conv2d(channels, 2 * channels, KERNEL, STRIDE, PADDING)
        self.mean = Linear(features, latent_dim)
        if variance is None:
            self.log_var = Linear(features, latent_dim)
        self.activation = activation_function(activation)

    def forward(self, x: Tensor) -> DiagonalNormal | Point:
        """Return q(z|x).

        Args:
            x: Images, (..., D).

        Returns:
            q(z|x) over (..., J).
        """
        return self.posterior(self.channels_first(x), x.shape[:-1])

    def channels_first(self, x: Tensor) -> Tensor:
        """Return images, (..., D), as (n, channels, rows, columns).

        Args:
            x: Images, (..., D).
        """
        return _channels_first(x, self.shape, self.image_channels)

    def posterior(self, images: Tensor, leading: Sequence[int]) -> DiagonalNormal | Point:
        """Return q(z|x) of the inputs of the first layer.

        Args:
            images: Inputs, (n, channels, rows, columns).
            leading: The leading axes of the result, n in all.

        Returns:
            q(z|x) over (*leading, J).
        """
        h = self.activation(self.first(images))
        h = self.activation(self.second(h)).reshape(*leading, -1)
        mean = self.mean(h)
        if self.variance is None:
            return DiagonalNormal(mean, self.log_var(h))
        return fixed_variance_posterior(mean, self.variance)


class _ImageNetwork(Decoder):
    """z -> a real number for every pixel."""

    def __init__(
        self, data_shape: ImageShape, latent_dim: PositiveInt, channels: PositiveInt, activation: Activation
    ) -> None:
        super().__init__()
        self.small = 2 * channels, *_quarter(data_shape)
        self.hidden = Linear(latent_dim, math.prod(self.small))
        self.first = nn.ConvTranspose2d(2 * channels, channels, KERNEL, STRIDE, PADDING)
        self.logits = nn.ConvTranspose2d(channels, _channels(data_shape), KERNEL, STRIDE, PADDING)
        self.activation = activation_function(activation)

    def image(self, z: Tensor) -> Tensor:
        """Return real numbers for the pixels, (..., D), of z, (..., J)."""
        h = self.activation(self.hidden(z)).reshape(-1, *self.small)
        return self.logits(self.activation(self.first(h))).movedim(1, -1).reshape(*z.shape[:-1], -1)


class ConvolutionalBernoulliDecoder(_ImageNetwork):
    """p(x|z) = Bernoulli(y(z)).

    Args:
        data_shape: (rows, columns) of an image, or (rows, columns, 3) in colour.
        latent_dim: Number of latent dimensions, J.
        channels: Number of channels of the last inner layer, C.
        activation: Activation function.

    Raises:
        UserError: The number of rows or columns is not a multiple of four.
    """

    likelihood = "bernoulli"
    side_multiple = 4

    def __init__(
        self,
        data_shape: ImageShape,
        latent_dim: PositiveInt,
        channels: PositiveInt = 8,
        activation: Activation = "relu",
    ) -> None:
        super().__init__(data_shape, latent_dim, channels, activation)

    def forward(self, z: Tensor) -> Bernoulli:
        """Return p(x|z).

        Args:
            z: Latent variables, (..., J).

        Returns:
            p(x|z) over (..., D).
        """
        return Bernoulli(self.image(z))


class ConvolutionalGaussianDecoder(_ImageNetwork):
    """p(x|z) = N(f(z), c I) with f in (0, 1).

    Args:
        data_shape: (rows, columns) of an image, or (rows, columns, 3) in colour.
        latent_dim: Number of latent dimensions, J.
        channels: Number of channels of the last inner layer, C.
        activation: Activation function.
        variance: c, fixed.

    Raises:
        UserError: The number of rows or columns is not a multiple of four.
    """

    likelihood = "gaussian"
    side_multiple = 4

    def __init__(
        self,
        data_shape: ImageShape,
        latent_dim: PositiveInt,
        channels: PositiveInt = 8,
        activation: Activation = "relu",
        variance: PositiveFloat = 0.05,
    ) -> None:
        super().__init__(data_shape, latent_dim, channels, activation)
        self.variance = variance

    def forward(self, z: Tensor) -> DiagonalNormal:
        """Return p(x|z).

        Args:
            z: Latent variables, (..., J).

        Returns:
            p(x|z) over (..., D).
        """
        mean = torch.sigmoid(self.image(z))
        return DiagonalNormal(mean, torch.full_like(mean, math.log(self.variance)))


def _channels(shape: ImageShape) -> int:
    return shape[2] if len(shape) == 3 else 1


def _channels_first(x: Tensor, shape: Sequence[int], channels: int) -> Tensor:
    # (..., rows * columns * channels) -> (n, channels, rows, columns)
    return x.reshape(-1, *shape, channels).movedim(-1, 1) if channels > 1 else x.reshape(-1, 1, *shape)


def _quarter(shape: ImageShape) -> tuple[int, int]:
    rows, columns = shape[:2]
    if rows % 4 or columns % 4:
        raise UserError(
            f"model=convolutional: images of {rows} x {columns} pixels; allowed: rows and columns that are multiples of four; "
            "try: model=gaussian or model=bernoulli"
        )
    return rows // 4, columns // 4
