r"""log p(x) by quadrature over z, for one, two or three latent dimensions, with an error estimate.

    p(x) = int p(z) p(x|z) dz  ~  h^J sum over the points z of a lattice of spacing h of p(z) p(x|z)

For smooth integrands that vanish at the ends, the lattice rule converges faster than any power of h.
For a Gaussian posterior with standard deviation s its relative error is about 2 exp(-2 pi^2 s^2 / h^2)
per axis, which is 1e-5 at h = 1.27 s (Trefethen & Weideman 2014). Posteriors of image decoders can
have a standard deviation of 0.04, so a sufficiently fine lattice over all of [-r, r]^J is too
expensive. The lattice is therefore refined where the posterior of an image lies. At each level the
spacing is halved, and a cube is dropped if its largest integrand is `margin` nats below the largest
of the image. The largest integrand is first extrapolated, with the differences of neighbouring
points, to allow for a peak between the points. A dropped cube keeps its last estimate of the mass.

Error, per image: Two lattices of spacing h are summed, one shifted by (h/2, ..., h/2). The leading
terms of the error cancel in their mean, so half their difference is larger than the remaining error.
An image is finished when half the difference is below `tolerance` and the estimate differs by less
than 0.1 nats from that of the previous level, which guards against coincidence. If an image is never
finished, its error is at least the change between the last two levels. The share of the mass in the outermost
shell of the cube is added, because it would show a tail outside the cube, and so is the share in dropped
cubes, which no finer lattice has checked: of the order of 1e-10 nats with the default margin. A mode that is too narrow
and too far from all others to be seen on the first lattice (spacing 1/32, 1/8, 1/4 for J = 1, 2, 3)
would be missed; the estimates of importance sampling and AIS would then be larger. The error is that of the
lattice: it does not contain the rounding of log p(x|z), about 1e-6 nats for 784 pixels in float32.

Cost: one decoding per lattice point that any image of the block needs, shared by all images; for a
Bernoulli or Gaussian decoder, one matrix product for all images. The cost is exponential in J.
Memory: the points of a cube times the images, and three numbers for every cube that an image needs.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from aevb.distributions.normal_mixture import NormalMixture
from aevb.estimators.model_queries import latent_dim, log_px_z_of_all
from aevb.models.vae import VAE

__all__ = ["MAX_LATENT_DIM", "QuadratureEstimate", "quadrature"]

MAX_LATENT_DIM = 3
CUBES = 8  # cubes along an axis at the first level
POINTS = {1: 64, 2: 16, 3: 8}  # points along an edge of a cube, by J
SHELL = 7 / 8  # inner radius of the outermost shell, as a share of r
AGREEMENT = 0.1  # largest accepted change between two levels, nats
LOWEST = torch.finfo(torch.float64).min / 2  # stands for the log of 0, of which inf - inf would make a nan


class QuadratureEstimate(NamedTuple):
    """The log-likelihood and the posterior of each image, float64.

    Attributes:
        log_px: log p(x), exact up to `error`, (M,), nats per image.
        error: Error of `log_px`, (M,), nats per image.
        mean: Mean of the posterior p(z|x), (M, J).
        covariance: Covariance of the posterior p(z|x), (M, J, J).
        spacing: Spacing of the lattice at the last level, h, (M,).
    """

    log_px: Tensor
    error: Tensor
    mean: Tensor
    covariance: Tensor
    spacing: Tensor


@torch.no_grad()
def quadrature(
    model: VAE, x: Tensor, radius: float = 8.0, tolerance: float = 1e-5, margin: float = 20.0, levels: int = 7
) -> QuadratureEstimate:
    """Compute log p(x) of each image by quadrature, for a continuous z of at most three dimensions.

    Args:
        model: The model.
        x: Images, (M, D).
        radius: r; the lattice covers [-r, r]^J, and if p(z) is a mixture that reaches further, all of it.
        tolerance: Largest accepted half difference of the two lattices, nats.
        margin: A cube is dropped if its largest integrand is this far below that of the image, nats.
        levels: Maximum number of levels.

    Returns:
        The log-likelihood and the posterior of each image.
    """
    m, dims, pz = len(x), latent_dim(model), model.prior()
    if isinstance(pz, NormalMixture):
        radius = max(radius, pz.reach)
    sums = _Sums(m, dims, radius)
    log_px, dropped, spacing, change = torch.full((4, m), -math.inf, dtype=torch.float64)
    finished = torch.zeros(m, dtype=torch.bool)
    cubes, images = torch.arange(CUBES**dims).repeat_interleave(m), torch.arange(m).repeat(CUBES**dims)

    for level in range(levels):
        lattice = _Lattice(dims, radius, level)
        sums.clear(~finished)
        mass, peak, hidden = torch.empty((3, len(cubes)), dtype=torch.float64)
        for cube, pairs in _groups(cubes):
            z = lattice.points(cube).to(x)
            members = images[pairs]
            log_joint = log_px_z_of_all(model, x[members.to(x.device)], z) + pz.log_prob(z)[:, None]
            log_joint = log_joint.to("cpu", torch.float64)
            mass[pairs] = sums.add(members, log_joint, lattice.points(cube), lattice.log_volume)
            peak[pairs], hidden[pairs] = _peaks(log_joint, dims)

        estimate = torch.logaddexp(sums.log_mass, dropped)
        change = torch.where(finished, 0, (estimate - log_px).abs())
        log_px, spacing = (torch.where(finished, *pair) for pair in ((log_px, estimate), (spacing, lattice.spacing)))
        finished |= (change < AGREEMENT) & (sums.half_difference < tolerance)
        if finished.all():
            break
        best = torch.full_like(log_px, -math.inf).scatter_reduce(0, images, peak, "amax")[images]
        going_on, near = ~finished[images], peak + hidden >= best - margin
        left = going_on & ~near
        share = torch.zeros_like(log_px).scatter_add(0, images[left], torch.exp(mass - log_px[images])[left])
        dropped = torch.logaddexp(dropped, log_px + share.log())
        kept = going_on & near
        cubes, images = lattice.children(cubes[kept]), images[kept].repeat_interleave(2**dims)
    unfinished = torch.where(finished, 0, change)
    dropped_share = torch.exp(dropped - log_px)
    error = torch.maximum(sums.half_difference, unfinished) + sums.outer_share + dropped_share
    return QuadratureEstimate(log_px, error, sums.mean, sums.covariance, spacing)


class _Lattice:
    """The cubes of one level, numbered row by row, and the points in them."""

    def __init__(self, dims: int, radius: float, level: int) -> None:
        self.dims, self.radius, self.along = dims, radius, CUBES * 2**level
        side = 2 * radius / self.along
        self.spacing = torch.tensor(side / POINTS[dims], dtype=torch.float64)
        self.log_volume = dims * math.log(self.spacing) - math.log(2)
        axis = torch.arange(POINTS[dims], dtype=torch.float64)
        self._strides = self.along ** torch.arange(dims - 1, -1, -1)
        self._offsets = torch.cat([_product((axis + shift) * self.spacing, dims) for shift in (0.25, 0.75)])
        self._side = side

    def points(self, cube: int) -> Tensor:
        """Points of the two lattices in sequence, (G, J), float64; the last axis of z varies fastest."""
        return cube // self._strides % self.along * self._side - self.radius + self._offsets

    def children(self, cubes: Tensor) -> Tensor:
        """Return the numbers, in the next level, of the 2^J parts of each cube: (P 2^J,)."""
        corners = 2 * (cubes[:, None] // self._strides % self.along)
        halves = corners[:, None] + _product(torch.arange(2), self.dims)
        return (halves * (2 * self.along) ** torch.arange(self.dims - 1, -1, -1)).sum(-1).flatten()


class _Sums:
    """Integrals of p(x, z) times 1, +-1 (by lattice), [outer shell], z and z z' for every image.

    They are stored relative to the largest integrand, to avoid underflow.
    """

    def __init__(self, images: int, dims: int, radius: float) -> None:
        self.dims, self.radius = dims, radius
        self.scale = torch.full((images,), -math.inf, dtype=torch.float64)
        self.totals = torch.zeros(images, 3 + dims + dims**2, dtype=torch.float64)

    def clear(self, images: Tensor) -> None:
        """Reset the sums of some images, (M,) bool."""
        self.scale[images], self.totals[images] = -math.inf, 0

    def add(self, images: Tensor, log_joint: Tensor, z: Tensor, log_volume: float) -> Tensor:
        """Add points z (G, J) with log p(x, z) (G, m) of `images` (m,); return their log mass, (m,)."""
        outer = (z.abs().amax(-1, keepdim=True) > SHELL * self.radius).double()
        lattice = torch.ones_like(outer)
        lattice[len(z) // 2 :] = -1
        squares = (z[:, :, None] * z[:, None, :]).flatten(1)
        parts = torch.cat([torch.ones_like(outer), lattice, outer, z, squares], 1)
        here = (log_joint.amax(0) + log_volume).clamp(min=LOWEST)
        added = torch.exp(log_joint + log_volume - here).T @ parts
        scale = torch.maximum(self.scale[images], here)
        old, new = torch.exp(self.scale[images] - scale), torch.exp(here - scale)
        self.totals[images] = self.totals[images] * old[:, None] + added * new[:, None]
        self.scale[images] = scale
        return here + added[:, 0].log()

    @property
    def log_mass(self) -> Tensor:
        """Log of the total mass, (M,)."""
        return self.scale + self.totals[:, 0].log()

    @property
    def half_difference(self) -> Tensor:
        """Half the difference of the two lattices, as a share of the mass, (M,)."""
        return (self.totals[:, 1] / self.totals[:, 0]).abs()

    @property
    def outer_share(self) -> Tensor:
        """Share of the mass in the outermost shell of the cube, (M,)."""
        return self.totals[:, 2] / self.totals[:, 0]

    @property
    def mean(self) -> Tensor:
        """Mean of the posterior, (M, J)."""
        return self.totals[:, 3 : 3 + self.dims] / self.totals[:, :1]

    @property
    def covariance(self) -> Tensor:
        """Covariance of the posterior, (M, J, J)."""
        squares = (self.totals[:, 3 + self.dims :] / self.totals[:, :1]).unflatten(1, (self.dims, self.dims))
        return squares - self.mean[:, :, None] * self.mean[:, None, :]


def _peaks(log_joint: Tensor, dims: int) -> tuple[Tensor, Tensor]:
    """Largest log_joint (G, m) over a cube's points, and how much higher a peak between them may be, (m,).

    Along an axis, a parabola whose peak lies between two points exceeds the higher of them by at most a
    quarter of the difference of neighbouring points.
    """
    along = POINTS[dims]
    peak, at = log_joint.max(0)
    hidden = torch.zeros_like(peak)
    for axis in range(dims):
        stride = along ** (dims - 1 - axis)
        offset = at // stride % along  # index within its lattice; the second begins after along^J points
        below = log_joint.gather(0, torch.where(offset > 0, at - stride, at)[None])[0]
        above = log_joint.gather(0, torch.where(offset < along - 1, at + stride, at)[None])[0]
        hidden += (peak - torch.minimum(below, above)) / 4
    return peak, hidden


def _groups(cubes: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Yield each cube with the positions of its (cube, image) pairs."""
    ordered, pairs = cubes.sort(stable=True)
    names, counts = ordered.unique_consecutive(return_counts=True)
    yield from zip(names.tolist(), pairs.split(counts.tolist()), strict=True)


def _product(axis: Tensor, dims: int) -> Tensor:
    """All points whose coordinates are in `axis` (n,), (n^J, J)."""
    return torch.stack(torch.meshgrid(*[axis] * dims, indexing="ij"), -1).reshape(-1, dims)
