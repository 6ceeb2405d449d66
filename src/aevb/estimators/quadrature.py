r"""log p(x) by quadrature over z: the truth for one, two or three latent dimensions, with an error of its own.

    p(x) = int p(z) p(x|z) dz  ~  h^J sum over the points z of a lattice of spacing h of p(z) p(x|z)

For smooth integrands that vanish at the ends the rule on a lattice converges faster than any power of h: for a Gaussian
posterior of standard deviation s its relative error is about 2 exp(-2 pi^2 s^2 / h^2) an axis, 1e-5 at h = 1.27 s (Trefethen
& Weideman 2014). Posteriors of decoders of images are as sharp as 0.04, so one lattice fine enough for all of [-r, r]^J is
out of reach. The cube is refined where an image's posterior lies: from level to level the spacing is halved, and cubes are
dropped whose largest integrand, extrapolated by the differences of neighbours to where a peak could hide, is `margin` nats
below the image's largest; they keep the mass that they had.

Error, per image: two lattices of spacing h are summed, one shifted by (h/2, ..., h/2); in their mean the leading terms of the
error cancel, so half their difference exceeds what is left. An image is finished when that is below `tolerance` (and
the level before agreed to 0.1 nat, against coincidence); one that never is has the change from level to level as its error.
To it is added the share of the mass in the outermost shell of the cube, which a tail beyond it would show in. A mode too
narrow and too far from all others to show in the first lattice (spacing 1/32, 1/8, 1/4 for J = 1, 2, 3) would be missed;
importance sampling and AIS would then lie above.

Cost: a decoding for every lattice point that any image of the block needs, shared by all; for a Bernoulli or Gaussian decoder
one matrix product for all images. It is exponential in J. Memory: a cube's points times the images, and three numbers for
every cube that an image needs.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from aevb.estimators.model_queries import latent_dim, log_px_z_of_all
from aevb.models.vae import VAE

__all__ = ["MAX_LATENT_DIM", "QuadratureEstimate", "quadrature"]

MAX_LATENT_DIM = 3
CUBES = 8  # along an axis, at first
POINTS = {1: 64, 2: 16, 3: 8}  # along an edge of a cube, by J
SHELL = 7 / 8  # of the radius, beyond which mass is suspect
AGREEMENT = 0.1  # nats, of two levels


class QuadratureEstimate(NamedTuple):
    """Per image, float64.

    log_px: nats, exact up to `error`, (M,). mean (M, J), covariance (M, J, J): of the posterior p(z|x). spacing: h of the last
    level, (M,).
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
    """log p(x) of each row of x (M, D), for a continuous z of at most three dimensions.

    radius: r, the lattice covers [-r, r]^J. tolerance: nats, half the difference of the two lattices. margin: nats. levels:
    at most.
    """
    m, dims = len(x), latent_dim(model)
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
            log_joint = log_px_z_of_all(model, x[members.to(x.device)], z) + model.prior().log_prob(z)[:, None]
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
    error = torch.maximum(sums.half_difference, unfinished) + sums.outer_share
    return QuadratureEstimate(log_px, error, sums.mean, sums.covariance, spacing)


class _Lattice:
    """Cubes of a level, numbered row by row, and the points in them."""

    def __init__(self, dims: int, radius: float, level: int) -> None:
        self.dims, self.radius, self.along = dims, radius, CUBES * 2**level
        side = 2 * radius / self.along
        self.spacing = torch.tensor(side / POINTS[dims], dtype=torch.float64)
        self.log_volume = dims * math.log(self.spacing) - math.log(2)
        axis = torch.arange(POINTS[dims], dtype=torch.float64)
        self._places = self.along ** torch.arange(dims - 1, -1, -1)
        self._offsets = torch.cat([_product((axis + shift) * self.spacing, dims) for shift in (0.25, 0.75)])
        self._side = side

    def points(self, cube: int) -> Tensor:
        """Those of the two lattices, one after the other, (G, J), float64; the last axis of z runs fastest."""
        return cube // self._places % self.along * self._side - self.radius + self._offsets

    def children(self, cubes: Tensor) -> Tensor:
        """Numbers, in the next level, of the 2^J halves of each cube: (P 2^J,)."""
        corners = 2 * (cubes[:, None] // self._places % self.along)
        halves = corners[:, None] + _product(torch.arange(2), self.dims)
        return (halves * (2 * self.along) ** torch.arange(self.dims - 1, -1, -1)).sum(-1).flatten()


class _Sums:
    """Integrals of p(x, z) times 1, +-1 (by lattice), [outer shell], z, z z' for every image.

    Carried on relative to the largest integrand.
    """

    def __init__(self, images: int, dims: int, radius: float) -> None:
        self.dims, self.radius = dims, radius
        self.scale = torch.full((images,), -math.inf, dtype=torch.float64)
        self.totals = torch.zeros(images, 3 + dims + dims**2, dtype=torch.float64)

    def clear(self, images: Tensor) -> None:
        """Begins again for some images, (M,) bool."""
        self.scale[images], self.totals[images] = -math.inf, 0

    def add(self, images: Tensor, log_joint: Tensor, z: Tensor, log_volume: float) -> Tensor:
        """Takes the points z (G, J) in, with log p(x, z) (G, m) of `images` (m,), and returns the log of their mass, (m,)."""
        outer = (z.abs().amax(-1, keepdim=True) > SHELL * self.radius).double()
        lattice = torch.ones_like(outer)
        lattice[len(z) // 2 :] = -1
        squares = (z[:, :, None] * z[:, None, :]).flatten(1)
        parts = torch.cat([torch.ones_like(outer), lattice, outer, z, squares], 1)
        here = log_joint.amax(0) + log_volume
        added = torch.exp(log_joint + log_volume - here).T @ parts
        scale = torch.maximum(self.scale[images], here)
        old, new = torch.exp(self.scale[images] - scale), torch.exp(here - scale)
        self.totals[images] = self.totals[images] * old[:, None] + added * new[:, None]
        self.scale[images] = scale
        return here + added[:, 0].log()

    @property
    def log_mass(self) -> Tensor:
        """(M,)."""
        return self.scale + self.totals[:, 0].log()

    @property
    def half_difference(self) -> Tensor:
        """Of the two lattices, as a share of the mass, (M,)."""
        return (self.totals[:, 1] / self.totals[:, 0]).abs()

    @property
    def outer_share(self) -> Tensor:
        """Of the mass, in the outermost shell of the cube, (M,)."""
        return self.totals[:, 2] / self.totals[:, 0]

    @property
    def mean(self) -> Tensor:
        """Of the posterior, (M, J)."""
        return self.totals[:, 3 : 3 + self.dims] / self.totals[:, :1]

    @property
    def covariance(self) -> Tensor:
        """Of the posterior, (M, J, J)."""
        squares = (self.totals[:, 3 + self.dims :] / self.totals[:, :1]).unflatten(1, (self.dims, self.dims))
        return squares - self.mean[:, :, None] * self.mean[:, None, :]


def _peaks(log_joint: Tensor, dims: int) -> tuple[Tensor, Tensor]:
    """The largest of log_joint (G, m) over a cube's points, and how much higher a peak between them may be, (m,).

    Along an axis, a parabola whose peak lies between two points is at most a quarter of the difference of neighbours above the
    higher of them.
    """
    along = POINTS[dims]
    peak, at = log_joint.max(0)
    hidden = torch.zeros_like(peak)
    for axis in range(dims):
        stride = along ** (dims - 1 - axis)
        place = at // stride % along  # in its own lattice: the second begins after along^J points
        below = log_joint.gather(0, torch.where(place > 0, at - stride, at)[None])[0]
        above = log_joint.gather(0, torch.where(place < along - 1, at + stride, at)[None])[0]
        hidden += (peak - torch.minimum(below, above)) / 4
    return peak, hidden


def _groups(cubes: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Each cube with the positions of its pairs."""
    ordered, pairs = cubes.sort(stable=True)
    names, counts = ordered.unique_consecutive(return_counts=True)
    yield from zip(names.tolist(), pairs.split(counts.tolist()), strict=True)


def _product(axis: Tensor, dims: int) -> Tensor:
    """All points whose coordinates are in `axis` (n,), (n^J, J)."""
    return torch.stack(torch.meshgrid(*[axis] * dims, indexing="ij"), -1).reshape(-1, dims)
