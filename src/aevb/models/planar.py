r"""Planar flows (Rezende & Mohamed 2015, section 4.1), whose parameters are outputs of the encoder.

    f(z) = z + u tanh(w'z + b),   log |det df/dz| = log(1 + w'u (1 - tanh^2(w'z + b)))

f is invertible if w'u > -1 (their appendix A.1). The output v of the network for u is therefore moved along w:

    u = v + (m(w'v) - w'v) w / |w|^2,   so that w'u = m(w'v),   m(a) = -1 + d + (1 - d) softplus(a + log(e - 1))

d = 0.001 bounds the slope of f from below. m differs from theirs by d and by log(e - 1): m(0) = 0, so v = 0 is the identity,
and u stays bounded as w goes to 0.

The network states v, w and b in units of the base N(mu, diag sigma^2): f is taken of (z - mu) / sigma, so u becomes sigma u, w becomes
w / sigma, and b becomes b - w'mu / sigma. The family is the same, and the displacements shrink where the posterior is narrow;
as numbers of their own they cost more than they gain (docs/flows).

The inverse: a = w'z solves a + w'u tanh(a + b) = w'f(z), whose left side increases in a and leaves a by at most |w'u|. Bisection
finds a; one step of Newton from there, with the slope held fixed, is exact to the second order and has the right gradient
(the implicit function theorem). Then z = f(z) - u tanh(a + b).
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from aevb.distributions import DiagonalNormal
from aevb.distributions.flows import Flow
from aevb.distributions.reparameterised import AT_ZERO
from aevb.models.base import Encoder
from aevb.nn.matmul import Linear
from aevb.nn.mlp import Activation, activation_function, hidden_layers, hidden_units
from aevb.types import HiddenDim, PositiveInt

__all__ = ["PlanarEncoder", "PlanarStep"]

LEAST_SLOPE = 1e-3
HALVINGS = 64  # of an interval: as far as float64 goes


class PlanarStep(NamedTuple):
    """One planar map.

    Attributes:
        u: Direction, (..., J), with w'u > -1.
        w: Normal of the plane, (..., J).
        b: Offset, (...).
    """

    u: Tensor
    w: Tensor
    b: Tensor

    @classmethod
    def constrained(cls, v: Tensor, w: Tensor, b: Tensor) -> "PlanarStep":
        """Return the invertible map for any real numbers.

        Args:
            v: Direction before the constraint, (..., J).
            w: Normal of the plane, (..., J).
            b: Offset, (...).
        """
        wv = (w * v).sum(-1, keepdim=True)
        m = LEAST_SLOPE - 1 + (1 - LEAST_SLOPE) * F.softplus(wv + AT_ZERO)
        square = (w**2).sum(-1, keepdim=True).clamp(min=torch.finfo(w.dtype).tiny)
        return cls(v + (m - wv) * w / square, w, b)

    def relative_to(self, base: DiagonalNormal) -> "PlanarStep":
        """Return the map in units of a normal: sigma g((z - mu) / sigma) + mu, where g is this map.

        Args:
            base: N(mu, diag sigma^2), over (..., J).
        """
        scale = base.scale
        w = self.w / scale
        return PlanarStep(scale * self.u, w, self.b - (w * base.mean).sum(-1))

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return f(z) and log |det df/dz| (see `aevb.distributions.flows.Step`).

        Args:
            z: Points, (..., J).
        """
        t = torch.tanh((self.w * z).sum(-1) + self.b)
        return z + self.u * t.unsqueeze(-1), torch.log1p(self._wu * (1 - t**2))

    def inverse(self, value: Tensor) -> tuple[Tensor, Tensor]:
        """Return z with f(z) = value, and log |det df/dz| there.

        Args:
            value: Points, (..., J).
        """
        wu, target = self._wu, (self.w * value).sum(-1)
        with torch.no_grad():
            a = target.clone()
            low, high = target - wu.abs(), target + wu.abs()
            for _ in range(HALVINGS):
                a = (low + high) / 2
                above = a + wu * torch.tanh(a + self.b) > target
                low, high = torch.where(above, low, a), torch.where(above, a, high)
            slope = 1 + wu * (1 - torch.tanh(a + self.b) ** 2)
        a = a - (a + wu * torch.tanh(a + self.b) - target) / slope
        t = torch.tanh(a + self.b)
        return value - self.u * t.unsqueeze(-1), torch.log1p(wu * (1 - t**2))

    def rows(self, count: int) -> "PlanarStep":
        """Expand the parameters to `count` rows.

        Args:
            count: Number of rows.
        """
        return PlanarStep(self.u.expand(count, -1), self.w.expand(count, -1), self.b.expand(count))

    @property
    def _wu(self) -> Tensor:
        return (self.w * self.u).sum(-1)


class PlanarEncoder(Encoder):
    """q(z|x): a diagonal normal that goes through planar maps.

    Args:
        data_dim: Number of pixels, D.
        latent_dim: Number of latent dimensions, J.
        hidden_dim: Number of hidden units, or of those of each hidden layer.
        flows: Number of planar maps, T.
        activation: Activation function of the hidden layers.
    """

    family = "planar"

    def __init__(
        self,
        data_dim: int,
        latent_dim: PositiveInt,
        hidden_dim: HiddenDim,
        flows: PositiveInt = 8,
        activation: Activation = "tanh",
    ) -> None:
        super().__init__()
        self.hidden, self.deeper, width = hidden_layers(data_dim, hidden_dim)
        self.mean = Linear(width, latent_dim)
        self.log_var = Linear(width, latent_dim)
        self.u = Linear(width, flows * latent_dim)
        self.w = Linear(width, flows * latent_dim)
        self.b = Linear(width, flows)
        self.flows = flows
        self.activation = activation_function(activation)

    def forward(self, x: Tensor) -> Flow:
        """Return q(z|x).

        Args:
            x: Images, (..., D).

        Returns:
            q(z|x) over (..., J).
        """
        h = hidden_units(self.hidden, self.deeper, self.activation, x)
        v, w = (head(h).unflatten(-1, (self.flows, -1)).unbind(-2) for head in (self.u, self.w))
        base = DiagonalNormal(self.mean(h), self.log_var(h))
        steps = [
            PlanarStep.constrained(*parameters).relative_to(base)
            for parameters in zip(v, w, self.b(h).unbind(-1), strict=True)
        ]
        return Flow(self.family, base, steps)
