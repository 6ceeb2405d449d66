r"""Inverse autoregressive flow (Kingma et al. 2016), with masked networks (MADE, Germain et al. 2015).

    m_j = c_j(x) + g_j(z_{<j}, x),   s_j likewise,   sigma_j = sigmoid(s_j + 2)
    f_j(z) = sigma_j z_j + (1 - sigma_j) m_j,   log |det df/dz| = sum_j log sigma_j

    g_j(z_{<j}, x) = sum_{k < j} A_jk z_k + sum_{k: last_k < j} V_jk tanh(sum_{i <= last_k} U_ki z_i + a_k + C_k h(x))

g is that of the autoregressive decoder (aevb.models.autoregressive.Context) with the context h(x), the hidden units of
the encoder, as a further input of every unit. The gate is the stable form of their eq. 15: sigma < 1, and about 0.88 at first, so that
a step begins near the identity. z is reversed between two steps.

A draw takes one evaluation of g for all j. The inverse takes J, one coordinate after the other:
z_j = (f_j - (1 - sigma_j) m_j) / sigma_j, in which m_j and sigma_j depend on the coordinates that are known.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aevb.distributions import DiagonalNormal
from aevb.distributions.flows import Flow
from aevb.models.autoregressive import Context, ContextWeights
from aevb.models.base import Encoder
from aevb.nn.matmul import Linear
from aevb.nn.mlp import Activation, activation_function, hidden_layers, hidden_units
from aevb.types import HiddenDim, PositiveInt

__all__ = ["AutoregressiveStep", "InverseAutoregressiveEncoder", "Masked", "MaskedNetwork"]

OPEN = 2.0  # added to s: sigmoid(2) = 0.88


class Masked(NamedTuple):
    """The function c + g of z for given images.

    Attributes:
        weights: The masked weights of g, which all images share.
        hidden: C h(x), (..., H).
        output: c(x), (..., J).
    """

    weights: ContextWeights
    hidden: Tensor
    output: Tensor

    def of(self, z: Tensor) -> Tensor:
        """Return the function at z, (..., J).

        Args:
            z: Points, (..., J).
        """
        return self.output + self.weights.of(z, self.hidden)

    def rows(self, count: int) -> "Masked":
        """Expand the parameters to `count` rows.

        Args:
            count: Number of rows.
        """
        return Masked(self.weights, self.hidden.expand(count, -1), self.output.expand(count, -1))


class MaskedNetwork(nn.Module):
    """A masked network of z with a context.

    Args:
        width: Number of units of the context h(x).
        latent_dim: Number of latent dimensions, J.
        masked_dim: Number of masked hidden units, H.
    """

    def __init__(self, width: int, latent_dim: int, masked_dim: int) -> None:
        super().__init__()
        self.earlier: nn.Module = Context(latent_dim, masked_dim)
        self.hidden = Linear(width, masked_dim)
        self.output = Linear(width, latent_dim)

    def forward(self, h: Tensor) -> Masked:
        """Return the function of z.

        Args:
            h: The context, (..., width).
        """
        return Masked(self.earlier(), self.hidden(h), self.output(h))


class AutoregressiveStep(NamedTuple):
    """One step of the flow.

    Attributes:
        m: The function m of z.
        s: The function s of z.
        reverse: Whether the coordinates of the result are reversed.
    """

    m: Masked
    s: Masked
    reverse: bool

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return f(z) and log |det df/dz| (see `aevb.distributions.flows.Step`).

        Args:
            z: Points, (..., J).
        """
        s = self.s.of(z) + OPEN
        value = torch.lerp(self.m.of(z), z, torch.sigmoid(s))
        return value.flip(-1) if self.reverse else value, F.logsigmoid(s).sum(-1)

    def inverse(self, value: Tensor) -> tuple[Tensor, Tensor]:
        """Return z with f(z) = value, and log |det df/dz| there.

        Args:
            value: Points, (..., J).
        """
        value = value.flip(-1) if self.reverse else value
        value = value.expand(torch.broadcast_shapes(value.shape, self.m.output.shape))
        z, s = torch.zeros_like(value), torch.zeros_like(value)
        for j in range(value.shape[-1]):  # after it, coordinates up to j are right
            m, s = self.m.of(z), self.s.of(z) + OPEN
            z_j = m[..., j] + (value[..., j] - m[..., j]) / torch.sigmoid(s[..., j])
            z = torch.cat([z[..., :j], z_j.unsqueeze(-1), torch.zeros_like(z[..., j + 1 :])], -1)
        return z, F.logsigmoid(s).sum(-1)  # s_j depends on no later coordinate than j - 1

    def rows(self, count: int) -> "AutoregressiveStep":
        """Expand the parameters to `count` rows.

        Args:
            count: Number of rows.
        """
        return AutoregressiveStep(self.m.rows(count), self.s.rows(count), self.reverse)


class InverseAutoregressiveEncoder(Encoder):
    """q(z|x): a diagonal normal that goes through inverse autoregressive steps.

    Args:
        data_dim: Number of pixels, D.
        latent_dim: Number of latent dimensions, J.
        hidden_dim: Number of hidden units, or of those of each hidden layer; the last ones are the context.
        flows: Number of steps, T.
        masked_dim: Number of hidden units of each masked network, H.
        activation: Activation function of the hidden layers; that of the masked networks is tanh.
    """

    family = "iaf"

    def __init__(
        self,
        data_dim: int,
        latent_dim: PositiveInt,
        hidden_dim: HiddenDim,
        flows: PositiveInt = 4,
        masked_dim: PositiveInt = 64,
        activation: Activation = "tanh",
    ) -> None:
        super().__init__()
        self.hidden, self.deeper, width = hidden_layers(data_dim, hidden_dim)
        self.mean = Linear(width, latent_dim)
        self.log_var = Linear(width, latent_dim)
        self.m, self.s = (
            nn.ModuleList(MaskedNetwork(width, latent_dim, masked_dim) for _ in range(flows)) for _ in range(2)
        )
        self.activation = activation_function(activation)

    def forward(self, x: Tensor) -> Flow:
        """Return q(z|x).

        Args:
            x: Images, (..., D).

        Returns:
            q(z|x) over (..., J).
        """
        h = hidden_units(self.hidden, self.deeper, self.activation, x)
        last = len(self.m) - 1
        steps = [AutoregressiveStep(m(h), s(h), t < last) for t, (m, s) in enumerate(zip(self.m, self.s, strict=True))]
        return Flow(self.family, DiagonalNormal(self.mean(h), self.log_var(h)), steps)
