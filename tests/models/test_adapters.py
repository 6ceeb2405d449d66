"""A torch model that does not use aevb is evaluated, and the example of the how-to runs."""

import re
import subprocess
import sys

import pytest
import torch
from torch import distributions as td
from torch import nn

from aevb.errors import UserError
from aevb.estimators.ais import ais
from aevb.estimators.importance import importance
from aevb.estimators.quadrature import quadrature
from aevb.estimators.reciprocal_identity import reciprocal
from aevb.evaluators.blocks import run_over
from aevb.evaluators.quadrature import Quadrature
from aevb.models.adapters import from_torch_distributions
from aevb.noise import RowNoise
from helpers.commands import REPOSITORY
from helpers.oracles import D, J, data, linear_gaussian


def torch_model(wrap):
    """Return the oracle's linear-Gaussian model with torch distributions, and the oracle itself."""
    model = linear_gaussian()

    def encoder(x):
        q = model.encoder(x)
        return wrap(td.Normal(q.mean, q.scale))

    def decoder(z):
        p = model.decoder(z)
        return wrap(td.Normal(p.mean, p.scale))

    zero = torch.zeros(J, dtype=torch.float64)
    return from_torch_distributions(encoder, decoder, wrap(td.Normal(zero, zero + 1))), model


@pytest.mark.parametrize("wrap", [lambda d: d, lambda d: td.Independent(d, 1)], ids=["Normal", "Independent"])
def test_every_estimator_gives_what_it_gives_for_our_own_model(wrap):
    wrapped, own_model = torch_model(wrap)
    x = data(4)
    for estimate in (
        lambda model, noise: importance(model, x, noise, 10).log_px,
        lambda model, noise: quadrature(model, x).log_px,
        lambda model, noise: ais(model, x, noise, 10, 2, 1).log_px,
        lambda model, noise: reciprocal(model, x, noise, 20, 3, 2, 10, 5).log_px,
    ):
        estimated, expected = (estimate(model, RowNoise(0, "x", range(4))) for model in (wrapped, own_model))
        torch.testing.assert_close(estimated, expected.detach(), rtol=0, atol=1e-8)


def test_a_decoder_with_any_torch_distribution():
    """Laplace is not in aevb: log p(x) by quadrature against importance sampling, to 5 standard errors."""
    decode = nn.Linear(J, D).double()
    zero = torch.zeros(J, dtype=torch.float64)
    model = from_torch_distributions(
        lambda x: td.Normal(zero.expand(len(x), J), zero + 1),
        lambda z: td.Laplace(decode(z), 1.0),
        lambda: td.Normal(zero, zero + 1),
    )
    truth = run_over(Quadrature(tolerance=1e-3), model, data(3), seed=0).values["log_px"]  # its density has corners
    estimate = importance(model, data(3), RowNoise(0, "x", range(3)), 20_000, 60_000)
    assert ((estimate.log_px - truth).abs() < 5 * estimate.monte_carlo_error + 1e-3).all()


def test_a_network_keeps_its_parameters():
    class Encoder(nn.Linear):
        def forward(self, x):
            return td.Normal(super().forward(x), 1.0)

    model = from_torch_distributions(Encoder(D, J), lambda z: td.Bernoulli(logits=z), td.Normal(torch.zeros(J), 1.0))
    assert len(model.phi) == 2


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (0, "encoder or prior: returned a Cauchy; allowed: Normal or Bernoulli"),
        (1, "decoder: returned a Tensor; allowed: a distribution"),
    ],
)
def test_other_distributions_are_refused_in_one_line(part, message):
    zero = torch.zeros(3, J)
    distributions = [td.Normal(zero, 1.0), td.Normal(zero, 1.0)]
    distributions[part] = [td.Cauchy(zero, 1.0), zero][part]
    model = from_torch_distributions(
        lambda x: distributions[0], lambda z: distributions[1], td.Normal(torch.zeros(J), 1.0)
    )
    with pytest.raises(UserError, match=message) as error:
        importance(model, torch.zeros(3, J), RowNoise(0, "x", range(3)), 2)
    assert "\n" not in str(error.value)


def test_the_example_of_the_how_to_runs(tmp_path):
    page = REPOSITORY / "docs" / "how-to" / "own-model.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (example,) = [block for block in blocks if "from_torch_distributions" in block]
    done = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["quadrature", "ais", "importance"]
