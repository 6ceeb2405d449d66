"""The page's arithmetic, executed by node, against torch in float64 with the weights that the page carries.

Differences that are allowed: 1e-4 for what the decoder and the encoder give (the page stores them in single precision),
1e-3 nat for KL, bound and importance sampling, 0.005 nat for log p(x) by the grid.
"""

import math
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch

from aevb.estimators.pareto_k import pareto_k, tail_length
from aevb.estimators.pareto_threshold import pareto_k_threshold
from aevb.estimators.quadrature import quadrature
from aevb.explorer.reference import elbo, importance, noise_table
from aevb.nn.mlp import Activation, activation_function
from helpers.explorer_pages import NODE, Page, evaluate

pytestmark = pytest.mark.skipif(NODE is None, reason="no node on the PATH: apt-get install nodejs")

DECODERS = ("bernoulli", "gaussian", "unit_gaussian", "conditional")
GRID = """
const grid = newGrid(model, 80); growGrid(model, grid, 6400);
const logPx = (x) => {
  const joint = logJoint(model, grid, x), coarse = coarseLogPx(grid, joint);
  const rough = roughLogPx(grid, logJoint(model, grid, x, 2));
  return { coarse: coarse.logPx, rough: rough.logPx, ...refinedLogPx(model, grid, x, joint, encode(model, x)) };
};
return input.map(logPx);
"""


@pytest.mark.parametrize("name", DECODERS)
def test_decoder(pages: dict[str, Page], name: str, tmp_path: Path) -> None:
    page = pages[name]
    z = torch.randn(5, page.model.prior().mean.shape[-1], generator=torch.Generator().manual_seed(0)).double()
    script = """
    const out = decodings(model, 1);
    const given = ofClass(model, input.y);
    return input.z.map((z) => {
      decode(given, z, out, 0);
      const scale = out.second === null ? null : Array.from(out.second);
      return { mean: Array.from(meanImage(model, out, 0)), scale, logits: Array.from(out.first),
               log_px_z: logLikelihood(model, out, 0, input.x) };
    });"""
    result = evaluate(page.file, script, {"z": z.tolist(), **page.images(1)[0]}, tmp_path)
    pixels = page.model.split(page.x)[0]
    with torch.no_grad():
        px_z: Any = page.model.decode(z, page.x[:1].expand(5, -1))
    np.testing.assert_allclose([row["mean"] for row in result], px_z.mean, atol=1e-4)
    if name in ("bernoulli", "conditional"):
        np.testing.assert_allclose([row["logits"] for row in result], px_z.logits, atol=1e-4)
    else:
        np.testing.assert_allclose([row["scale"] for row in result], 1 / px_z.scale, rtol=1e-4)
    np.testing.assert_allclose([row["log_px_z"] for row in result], px_z.log_prob(pixels[0]), atol=1e-3)


@pytest.mark.parametrize("name", [*DECODERS, "mixture", "vamp"])
def test_encoder_and_estimates(pages: dict[str, Page], name: str, tmp_path: Path) -> None:
    page, x = pages[name], pages[name].x[:10]
    script = """
    return input.map(({ x, y }) => {
      const given = ofClass(model, y), q = encode(given, x);
      return { mean: Array.from(q.mean), log_var: Array.from(q.logVar), ...bound(given, x, q, 16),
               importance: importanceEstimate(logWeights(given, x, q, 0, 50)).logPx };
    });"""
    result = evaluate(page.file, script, page.images(10), tmp_path)
    eps = noise_table(page.model.prior().mean.shape[-1])
    with torch.no_grad():
        qz_x, expected = page.model.encoder(x), elbo(page.model, x, eps[:16])
    np.testing.assert_allclose([row["mean"] for row in result], qz_x.mean, atol=1e-4)
    np.testing.assert_allclose([row["log_var"] for row in result], qz_x.log_var, atol=1e-4)
    np.testing.assert_allclose([row["kl"] for row in result], expected.kl, atol=1e-3)
    np.testing.assert_allclose([row["elbo"] for row in result], expected.bound, atol=1e-3)
    np.testing.assert_allclose([row["importance"] for row in result], importance(page.model, x, eps[:50]), atol=1e-3)


@pytest.mark.parametrize("name", ["bernoulli", "unit_gaussian", "mixture"])
def test_grid(pages: dict[str, Page], name: str, tmp_path: Path) -> None:
    page, x = pages[name], pages[name].x[:10]
    result = evaluate(page.file, GRID, x.tolist(), tmp_path)
    expected = quadrature(page.model, x).log_px
    np.testing.assert_allclose([row["logPx"] for row in result], expected, atol=0.005)
    np.testing.assert_allclose([row["rough"] for row in result], expected, atol=0.3)  # while a brush moves


def test_activations(page: Page, tmp_path: Path) -> None:
    v = torch.linspace(-9, 9, 181, dtype=torch.float64)
    script = (
        "return Object.fromEntries(Object.entries(ACTIVATIONS).map(([name, f]) => [name, input.map((v) => f(v))]));"
    )
    result = evaluate(page.file, script, v.tolist(), tmp_path)
    assert set(result) == set(get_args(Activation))
    for name, values in result.items():
        np.testing.assert_allclose(values, activation_function(name)(v), atol=1e-6, err_msg=name)


def test_pareto_k(page: Page, tmp_path: Path) -> None:
    """Weights with tails of shape 0.2, 0.7 and 1.5, and equal ones, against aevb.estimators.pareto_k."""
    generator = torch.Generator().manual_seed(0)
    for samples in (50, 1000):
        uniform = torch.rand(samples, 3, generator=generator).double()
        log_w = -300 - uniform.log() * torch.tensor([0.2, 0.7, 1.5]).double()
        log_w = torch.cat([log_w, torch.full((samples, 1), -7.0).double()], 1)
        script = "return input.map((w) => { const e = importanceEstimate(w); return [e.paretoK, e.threshold]; });"
        result = evaluate(page.file, script, log_w.T.tolist(), tmp_path)
        tail = log_w.sort(0).values[-tail_length(samples) - 1 :]
        np.testing.assert_allclose([k for k, _ in result], pareto_k(tail), rtol=1e-6)
        assert [threshold for _, threshold in result] == pytest.approx([pareto_k_threshold(samples)] * 4)
    assert evaluate(page.file, "return Number.isNaN(importanceEstimate([1, 2, 3]).paretoK);", None, tmp_path)


SET = """
for (const [name, value] of Object.entries(input.weights)) model.weights[name] = Float32Array.from(value.flat());
model.byClass.clear(); Object.assign(model, ofClass(model, 0));
"""


def test_grid_refines_narrow_posteriors(pages: dict[str, Page], tmp_path: Path) -> None:
    """A linear-Gaussian decoder: log p(x) = log N(x; 0, W W' + v I), posteriors a tenth as wide as the grid's spacing."""
    page, variance = pages["unit_gaussian"], 0.01
    generator = torch.Generator().manual_seed(0)
    w = torch.randn(64, 2, generator=generator).double()
    z = torch.tensor([[0.3, -1.2], [2.0, 0.7], [-2.6, -0.1]]).double()
    x = z @ w.T + variance**0.5 * torch.randn(3, 64, generator=generator).double()
    result, expected = _linear_gaussian(page, w, variance, x, tmp_path)
    coarse, refined = (np.array([row[name] for row in result]) for name in ("coarse", "logPx"))
    assert np.abs(coarse - expected.numpy()).min() > 0.1, "the grid alone is enough, the test shows nothing"
    np.testing.assert_allclose(refined, expected, atol=0.01)


def test_grid_holds_wide_posteriors_off_the_centre(pages: dict[str, Page], tmp_path: Path) -> None:
    """Posteriors of standard deviation 0.6 around (5, -4.5) and (-4, 5.5), where q does not go."""
    page, variance = pages["unit_gaussian"], 1.0
    w = torch.zeros(64, 2).double()
    w[0, 0] = w[1, 1] = (1 / 0.6**2 - 1) ** 0.5
    x = (torch.tensor([[5, -4.5], [-4, 5.5]]) / 0.6**2).double() @ (w / w[0, 0] ** 2).T
    result, expected = _linear_gaussian(page, w, variance, x, tmp_path)
    np.testing.assert_allclose([row["logPx"] for row in result], expected, atol=0.005)
    assert all(row["error"] < 0.01 for row in result)


def _linear_gaussian(
    page: Page, w: torch.Tensor, variance: float, x: torch.Tensor, folder: Path
) -> tuple[list[dict[str, float]], torch.Tensor]:
    # What the page computes with p(x|z) = N(x; W z, v I) for its decoder and q around 0, and log N(x; 0, W W' + v I).
    covariance = w @ w.T + variance * torch.eye(64)
    expected = torch.distributions.MultivariateNormal(torch.zeros(64).double(), covariance).log_prob(x)

    hidden, mean = torch.zeros(20, 2), torch.zeros(64, 20)
    hidden[:4] = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])  # relu(v) - relu(-v) = v
    mean[:, :4] = torch.stack([w[:, 0], -w[:, 0], w[:, 1], -w[:, 1]], 1)
    weights = {"decoder.hidden.weight": hidden, "decoder.mean.weight": mean}
    weights |= {"decoder.hidden.bias": torch.zeros(1, 20), "decoder.mean.bias": torch.zeros(1, 64)}
    script = (
        SET
        + f"""info.decoder.activation = "relu"; info.decoder.variance = {variance}; input = input.x; model.D = 64;
        encode = () => ({{ mean: [0, 0], logVar: [0, 0] }});"""
        + GRID
    )
    return evaluate(page.file, script, {"weights": _lists(weights), "x": x.tolist()}, folder), expected


def test_importance_sampling_misses_a_mode(page: Page, tmp_path: Path) -> None:
    """p(x|z) even in z_1 with modes at |z_1| > 2, of which q covers one: importance sampling is log 2 too low, the grid is right."""
    hidden, logits = torch.zeros(20, 2), torch.zeros(64, 20)
    bias = torch.full((1, 20), 0.0)
    hidden[:2, 0], bias[0, :2] = (
        torch.tensor([4.0, -4.0]),
        -8.0,
    )  # h = tanh(4 z - 8), tanh(-4 z - 8): the sum is -2 between the modes
    logits[:, :2] = 0.5
    weights = {"decoder.hidden.weight": hidden, "decoder.hidden.bias": bias, "decoder.logits.weight": logits}
    weights["decoder.logits.bias"] = torch.zeros(1, 64)

    z = torch.linspace(-8, 8, 200_001, dtype=torch.float64)
    unit = torch.tanh(4 * z - 8) + torch.tanh(-4 * z - 8)
    log_joint = 64 * torch.nn.functional.logsigmoid(0.5 * unit) - 0.5 * z**2 - 0.5 * math.log(2 * math.pi)
    expected = (torch.logsumexp(log_joint, 0) + torch.log(z[1] - z[0])).item()

    script = (
        SET
        + """const q = { mean: [2.3, 0], logVar: [-2, 0] }, x = new Float32Array(64).fill(1);
        const grid = newGrid(model, 80); growGrid(model, grid, 6400);
        return [importanceEstimate(logWeights(model, x, q, 0, 1000)).logPx,
                refinedLogPx(model, grid, x, logJoint(model, grid, x), q).logPx];"""
    )
    sampled, grid = evaluate(page.file, script, {"weights": _lists(weights)}, tmp_path)
    assert grid == pytest.approx(expected, abs=0.005)
    assert expected - sampled == pytest.approx(math.log(2), abs=0.1)  # a standard error of 0.03 with the page's noise


def _lists(tensors: dict[str, torch.Tensor]) -> dict[str, list[list[float]]]:
    return {name: value.tolist() for name, value in tensors.items()}
