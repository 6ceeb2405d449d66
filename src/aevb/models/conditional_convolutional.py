r"""The convolutional networks of a conditional model: q(z|x, y) and p(x|z, y) for a class y.

    encoder  the C columns of y become C constant channels beside those of the image, as inputs of the first layer
    decoder  y is joined to z, as an input of the first layer

See aevb.models.conditional for the model, and aevb.models.convolutional for the layers.
"""

import torch
from torch import Tensor, nn

from aevb.data.dataset import ImageShape
from aevb.distributions import DiagonalNormal
from aevb.models.conditional import GivenLabels
from aevb.models.convolutional import ConvolutionalBernoulliDecoder, ConvolutionalEncoder
from aevb.models.fixed_variance import Point
from aevb.nn.mlp import Activation
from aevb.types import NonNegativeFloat, PositiveInt

__all__ = ["ConditionalConvolutionalDecoder", "ConditionalConvolutionalEncoder"]


class ConditionalConvolutionalEncoder(ConvolutionalEncoder):
    """q(z|x, y) = N(mu(x, y), diag sigma^2(x, y)).

    Args:
        data_shape: (rows, columns) of an image, or (rows, columns, 3) in colour.
        num_classes: Number of classes, C.
        latent_dim: Number of latent dimensions, J.
        channels: Number of channels of the first layer.
        activation: Activation function.
        variance: A fixed variance instead of sigma^2(x, y); 0: q(z|x, y) is a point.

    Raises:
        UserError: The number of rows or columns is not a multiple of four.
    """

    def __init__(
        self,
        data_shape: ImageShape,
        num_classes: int,
        latent_dim: PositiveInt,
        channels: PositiveInt = 8,
        activation: Activation = "relu",
        variance: NonNegativeFloat | None = None,
    ) -> None:
        super().__init__(data_shape, latent_dim, channels, activation, variance)
        self.num_classes = num_classes
        first = self.first
        inputs = first.in_channels + num_classes
        self.first = nn.Conv2d(inputs, channels, first.kernel_size, first.stride, first.padding)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> DiagonalNormal | Point:
        """Return q(z|x, y).

        Args:
            x: Rows (x, y), (..., D + C).

        Returns:
            q(z|x, y) over (..., J).
        """
        pixels, y = x[..., : -self.num_classes], x[..., -self.num_classes :]
        images = self.channels_first(pixels)
        planes = y.reshape(-1, self.num_classes, 1, 1).expand(-1, -1, *images.shape[2:])
        return self.posterior(torch.cat([images, planes], 1), x.shape[:-1])


class ConditionalConvolutionalDecoder(ConvolutionalBernoulliDecoder):
    """p(x|z, y) = Bernoulli(pi(z, y)).

    Args:
        data_shape: (rows, columns) of an image, or (rows, columns, 3) in colour.
        num_classes: Number of classes, C.
        latent_dim: Number of latent dimensions, J.
        channels: Number of channels of the last inner layer.
        activation: Activation function.

    Raises:
        UserError: The number of rows or columns is not a multiple of four.
    """

    def __init__(
        self,
        data_shape: ImageShape,
        num_classes: int,
        latent_dim: PositiveInt,
        channels: PositiveInt = 8,
        activation: Activation = "relu",
    ) -> None:
        super().__init__(data_shape, latent_dim + num_classes, channels, activation)
        self.num_classes = num_classes

    def forward(self, z: Tensor) -> GivenLabels:  # type: ignore[override]
        """Return p(x|z, y) as a function of rows (x, y).

        Args:
            z: Latent variables, (..., J).
        """
        return GivenLabels(super().forward, z, self.num_classes)
