"""The three parts of the KL divergence, where they are known: by algebra, and by enumeration of all minibatches."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from aevb.distributions import DiagonalNormal
from aevb.estimators.mutual_information import information, log_aggregate
from aevb.estimators.total_correlation import Decomposition, decomposition, minibatch_decomposition
from aevb.models.prior import StandardNormal
from aevb.noise import Noise
from helpers.binary_oracles import binary, images
from helpers.oracles import data, linear_gaussian

N, J = 5, 2


def posteriors(n: int = N) -> DiagonalNormal:
    generator = torch.Generator().manual_seed(0)
    mean, log_var = (torch.randn((n, J), generator=generator, dtype=torch.float64) for _ in range(2))
    return DiagonalNormal(mean, log_var - 1)


def parts_of(q: DiagonalNormal, z: Tensor, n: int, estimate: str) -> Decomposition:
    return minibatch_decomposition(q, z, StandardNormal(J).double()().log_prob(z), n, estimate)  # type: ignore[arg-type]


def rows(q: DiagonalNormal, index: list[int]) -> DiagonalNormal:
    return DiagonalNormal(q.mean[index], q.log_var[index])


@pytest.mark.parametrize("estimate", ["weighted", "stratified"])
@pytest.mark.parametrize("m", [2, 4])
def test_the_mean_over_all_minibatches(estimate: str, m: int) -> None:
    """q(z) for a draw of image 0: without bias if stratified, and what the module says if weighted."""
    q = posteriors()
    z = q.rsample(Noise(0, "test", 0), 1)[:, :1]
    estimates = []
    for others in itertools.combinations(range(1, N), m - 1):
        batch = rows(q, [0, *others])
        draws = torch.cat([z, batch.mean[None, 1:]], 1)
        log_qz = batch.log_prob(draws) - parts_of(batch, draws, N, estimate).mutual_information
        estimates.append(log_qz[0, 0].exp())
    density = q.log_prob(z[0]).exp()  # of the draw under each image
    weighted = (density[0] + (m - 1) * density[1:].mean()) / (N * m)
    expected = density.mean() if estimate == "stratified" else weighted
    torch.testing.assert_close(torch.stack(estimates).mean(), expected, rtol=1e-12, atol=0)


def test_a_minibatch_of_all_images_is_exact() -> None:
    q = posteriors()
    z = q.rsample(Noise(0, "test", 0), 3)
    stratified, weighted = (parts_of(q, z, N, estimate) for estimate in ("stratified", "weighted"))
    log_qz = torch.stack([log_aggregate(draw, q) for draw in z])
    each = torch.zeros_like(log_qz)
    for j in range(J):
        one = DiagonalNormal(q.mean[:, [j]], q.log_var[:, [j]])
        each += torch.stack([log_aggregate(draw[:, [j]], one) for draw in z])
    log_pz = StandardNormal(J).double()().log_prob(z)
    expected = (q.log_prob(z) - log_qz, log_qz - each, each - log_pz)
    constants = (math.log(N), (J - 1) * math.log(N), -J * math.log(N))
    for part, other, value, constant in zip(stratified, weighted, expected, constants, strict=True):
        torch.testing.assert_close(part, value, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(other, value + constant, rtol=1e-12, atol=1e-12)


def grid(mean: Tensor, scale: float) -> DiagonalNormal:
    return DiagonalNormal(mean, torch.full_like(mean, 2 * math.log(scale)))


def test_independent_dimensions_have_no_total_correlation() -> None:
    """Means on a product grid: q(z) is a product, whatever the widths are."""
    axis = torch.tensor([-1.0, 0.3, 2.0]).double()
    q = grid(torch.cartesian_prod(axis, axis), 0.4)
    z = q.rsample(Noise(0, "test", 0), 2)
    parts = parts_of(q, z, len(q.mean), "stratified")
    torch.testing.assert_close(parts.total_correlation, torch.zeros_like(parts.total_correlation), rtol=0, atol=1e-12)


def test_equal_dimensions_have_the_information_of_one() -> None:
    """Narrow q at N points of the diagonal: q(z) and each q(z_j) are N separate peaks, so TC = I = log N."""
    q = grid(torch.arange(N).double()[:, None].expand(-1, J), 0.01)
    z = q.rsample(Noise(0, "test", 0), 2)
    parts = parts_of(q, z, N, "stratified")
    limit = torch.full_like(parts.total_correlation, math.log(N))
    torch.testing.assert_close(parts.mutual_information, limit, rtol=1e-12, atol=0)
    torch.testing.assert_close(parts.total_correlation, (J - 1) * limit, rtol=1e-12, atol=0)


def test_the_parts_of_a_model_are_those_of_its_minibatch_of_all_images() -> None:
    model, x = linear_gaussian(), data(40)
    whole = decomposition(model, x, Noise(0, "test", 0), batch_size=7)
    q, noise = model.encoder(x), Noise(0, "test", 0)
    z = q.rsample(noise)[None]
    parts = minibatch_decomposition(q, z, model.prior().log_prob(z), 40, "stratified")
    for value, expected in zip(whole, parts, strict=True):
        torch.testing.assert_close(value, expected[0].detach(), rtol=1e-9, atol=1e-9)
    surgery = information(model, x, Noise(0, "test", 0), batch_size=7)
    torch.testing.assert_close(whole.mutual_information, surgery.mutual_information)


def test_several_draws_are_averaged() -> None:
    model, x, noise = linear_gaussian(), data(10), Noise(0, "test", 0)
    singles = [decomposition(model, x, noise) for _ in range(2)]
    both = decomposition(model, x, Noise(0, "test", 0), samples=2)
    for value, one, other in zip(both, *singles, strict=True):
        torch.testing.assert_close(value, (one + other) / 2)


@torch.no_grad()
def test_binary_dimensions_are_counted() -> None:
    """q(z) and q(z_j) of each draw are means over the images of their probabilities, written out."""
    model, x = binary(3), images()
    parts = decomposition(model, x, Noise(0, "test", 0))
    q = model.encoder(x)
    z, on = q.sample(Noise(0, "test", 0)), q.logits.sigmoid()
    for m in range(len(x)):
        each = torch.where(z[m] == 1, on, 1 - on)  # of z_j under each image, (N, J)
        own, whole, single = each[m].prod(), each.prod(-1).mean(), each.mean(0).prod()
        torch.testing.assert_close(parts.mutual_information[m], (own / whole).log())
        torch.testing.assert_close(parts.total_correlation[m], (whole / single).log())
        torch.testing.assert_close(parts.dimension_kl[m], single.log() - model.prior().log_prob(z[m]))
