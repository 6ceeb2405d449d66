"""Trained priors in the explorer: the mixture that the page carries, its draws, its contours and the frame of the plane.

Known truths: aevb.distributions.NormalMixture, whose own density is tested against torch.distributions, and N(0, I) as a
mixture of one.
"""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from aevb.distributions import DiagonalNormal
from aevb.distributions.normal_mixture import NormalMixture
from aevb.explorer.page import resource
from aevb.explorer.prior import GRID_RADIUS, frame, grid_radius
from aevb.explorer.weights import rounded
from helpers.explorer_pages import NODE, Page, evaluate

needs_node = pytest.mark.skipif(NODE is None, reason="no node on the PATH: apt-get install nodejs")
CONTOURS = resource("contours.js").replace('"use strict";', "")
STANDARD = NormalMixture(torch.zeros(1), DiagonalNormal(torch.zeros(1, 2), torch.zeros(1, 2)))
MIXTURE = NormalMixture(
    torch.tensor([0.7, 0.3]).log(),
    DiagonalNormal(
        torch.tensor([[-2.0, 1.0, 0.0], [6.0, 0.5, -1.0]]), torch.tensor([[0.0, -2.0, 1.0], [1.0, 0.5, 0.0]])
    ),
)


def packed(pz: NormalMixture) -> dict[str, list]:
    """The parameters as buildPrior makes them of the page."""
    parts = pz.components
    return {
        "J": parts.mean.shape[-1],
        "K": len(pz.logits),
        "logWeights": pz.weights.log().tolist(),
        "mean": parts.mean.flatten().tolist(),
        "logVar": parts.log_var.flatten().tolist(),
    }


@needs_node
@pytest.mark.parametrize("name", ["mixture", "vamp"])
def test_density(pages: dict[str, Page], name: str, tmp_path: Path) -> None:
    pz = pages[name].model.prior()
    z = 3 * torch.randn(20, pz.mean.shape[-1], generator=torch.Generator().manual_seed(0)).double()
    result = evaluate(pages[name].file, "return input.map((z) => logPrior(model.prior, z));", z.tolist(), tmp_path)
    np.testing.assert_allclose(result, pz.log_prob(z).detach(), atol=1e-5)


@needs_node
def test_marginal_density(page: Page, tmp_path: Path) -> None:
    """The marginal over (z_3, z_1) against the sum of the density over z_2."""
    script = "return logPrior(marginalPrior(withConstants(input.prior), [2, 0]), input.at);"
    result = evaluate(page.file, script, {"prior": packed(MIXTURE), "at": [0.4, -1.5]}, tmp_path)
    axis = torch.linspace(-12, 12, 4001, dtype=torch.float64)
    z = torch.stack([torch.full_like(axis, -1.5), axis, torch.full_like(axis, 0.4)], 1)
    expected = torch.logsumexp(MIXTURE.log_prob(z), 0) + math.log(24 / 4000)
    assert result == pytest.approx(expected.item(), abs=1e-5)


@needs_node
def test_draws(page: Page, tmp_path: Path) -> None:
    """20,000 draws by the page's fixed seeds: five standard errors of the mean and of the variance of each dimension."""
    script = """const prior = withConstants(input);
    return Array.from({ length: 20000 }, (_, s) => {
      const normal = normals(mixed(1, s + 1)), eps = [normal(), normal(), normal()];
      return drawPrior(prior, uniforms(mixed(1, -s - 2))(), eps);
    });"""
    z = np.array(evaluate(page.file, script, packed(MIXTURE), tmp_path))
    variance = MIXTURE.log_var.exp().numpy()
    np.testing.assert_allclose(z.mean(0), MIXTURE.mean, atol=5 * (variance.max() / 20_000) ** 0.5)
    np.testing.assert_allclose(z.var(0), variance, rtol=0.05)
    assert ((z[:, 0] > 2).mean() - 0.3) ** 2 < (5 * 0.0035) ** 2


@needs_node
@pytest.mark.parametrize("middle", [[0, 0], [1, -0.5]])
def test_contours_of_one_normal_are_circles(page: Page, middle: list[float], tmp_path: Path) -> None:
    """The densest 39, 86 and 99 % of N(0, I) end at 1, 2 and 3; the line is straight within a cell, 0.01 at a curvature of 1."""
    script = (
        CONTOURS
        + """const values = densities(withConstants(input.prior), input.middle, 5), step = 10 / (FINE - 1);
        return contourLevels(values, 5, SHARES).map((level) => segments(values, level).flatMap(([x1, y1, x2, y2]) =>
          [[x1, y1], [x2, y2]].map((p) => Math.hypot(...p.map((v, i) => input.middle[i] - 5 + v * step)))));"""
    )
    result = evaluate(page.file, script, {"prior": packed(STANDARD), "middle": middle}, tmp_path)
    for sigmas, distances in zip([1, 2, 3], result, strict=True):
        assert len(distances) > 100
        np.testing.assert_allclose(distances, sigmas, atol=0.02)


@needs_node
def test_contours_that_leave_the_square_are_left_out(page: Page, tmp_path: Path) -> None:
    script = (
        CONTOURS
        + "return contourLevels(densities(withConstants(input), [0, 0], 2), 2, SHARES).map((level) => level > 0);"
    )
    assert evaluate(page.file, script, packed(STANDARD), tmp_path) == [True, True, False]


@pytest.mark.parametrize("name", ["mixture", "vamp"])
def test_the_page_has_the_prior_of_the_run(pages: dict[str, Page], name: str) -> None:
    from aevb.evaluation.loading import load_run

    model = load_run(pages[name].run).model.double()
    z = torch.randn(50, pages[name].model.prior().mean.shape[-1], generator=torch.Generator().manual_seed(0)).double()
    with torch.no_grad():
        carried, own = rounded(model, "float16").prior().log_prob(z), model.prior().log_prob(z)
    np.testing.assert_allclose(carried, own, atol=1e-5)


def test_the_lattice_is_as_wide_as_that_of_quadrature() -> None:
    """Eight standard deviations of every component, and never less than for N(0, I)."""
    assert grid_radius(DiagonalNormal(torch.zeros(2), torch.zeros(2))) == grid_radius(STANDARD) == GRID_RADIUS
    assert grid_radius(MIXTURE) == pytest.approx(6 + 8 * math.exp(0.5))


def test_frame() -> None:
    normal = DiagonalNormal(torch.zeros(2), torch.zeros(2))
    assert frame(torch.tensor([[5.1, 0.0]]), normal) == ([0, 0], 5.5)
    assert frame(torch.tensor([[0.1, 99.0]]), normal) == ([0, 0], 8)
    parts = DiagonalNormal(torch.tensor([[10.0, 0.0], [20.0, 1.0]]), torch.zeros(2, 2))
    far = NormalMixture(torch.zeros(2), parts)  # [7.5, 22.5] x [-2.5, 3.5]
    assert frame(torch.tensor([[12.0, 0.0]]), far) == ([15, 0.5], 7.5)
    assert frame(torch.tensor([[25.75, 0.0]]), far) == ([17, 0.5], 9.5)  # up to 26
