"""A torch model that does not use aevb is evaluated, and the example of the how-to runs."""

import contextlib
import math
import re
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch import distributions as td

from aevb.errors import UserError
from aevb.estimators.ais import ais
from aevb.estimators.importance import importance
from aevb.estimators.quadrature import quadrature
from aevb.estimators.reciprocal_identity import reciprocal
from aevb.evaluators.blocks import run_over
from aevb.evaluators.importance import Importance
from aevb.evaluators.quadrature import Quadrature
from aevb.evaluators.reconstruction import Reconstruction
from aevb.models.adapters import from_torch_distributions
from aevb.models.vae import VAE
from aevb.noise import RowNoise
from helpers.commands import REPOSITORY, python
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


def bernoulli_model(wrap: Callable[[td.Distribution], td.Distribution], prior: td.Distribution) -> VAE:
    """Return a model of binary images with networks of torch."""
    torch.manual_seed(0)
    encode, decode = nn.Linear(D, J), nn.Linear(J, D)
    return from_torch_distributions(
        lambda x: td.Normal(encode(x), 0.5), lambda z: wrap(td.Bernoulli(logits=decode(z))), prior
    )


@pytest.mark.parametrize("prior", [td.Normal(torch.zeros(J), 1.0), td.Normal(0.0, 1.0)], ids=["vector", "scalar"])
@pytest.mark.parametrize("wrap", [lambda d: d, lambda d: td.Independent(d, 1)], ids=["Bernoulli", "Independent"])
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (
            torch.tensor([[0.0] * (D - 1) + [255.0]]),
            "x: values from 0 to 255; allowed: [0, 1] for a Bernoulli p(x|z); ",
        ),
        (torch.tensor([[-1.0] + [1.0] * (D - 1)]), "x: values from -1 to 1; allowed: [0, 1] for a Bernoulli p(x|z); "),
        (torch.full((1, D), torch.nan), "x: values from nan to nan; allowed: [0, 1] for a Bernoulli p(x|z); "),
    ],
    ids=["bytes", "negative", "nan"],
)
def test_values_that_a_bernoulli_has_not_are_refused(
    wrap: Callable[[td.Distribution], td.Distribution], prior: td.Distribution, x: Tensor, message: str
) -> None:
    with pytest.raises(UserError, match=re.escape(message)) as error:
        run_over(Importance(samples=5), bernoulli_model(wrap, prior), x, seed=0)
    assert "\n" not in str(error.value)


def test_grey_levels_of_a_bernoulli_are_warned_of() -> None:
    model = bernoulli_model(lambda d: d, td.Normal(torch.zeros(J), 1.0))
    with pytest.warns(UserWarning, match="x: grey levels, and p.*try: torch.bernoulli") as caught:
        run_over(Importance(samples=5, batch_size=5), model, torch.full((3, D), 0.5), seed=0)  # an image a block
    assert [warning.filename for warning in caught] == [__file__]


def test_binary_images_and_other_distributions_are_not_warned_of() -> None:
    normal = torch_model(lambda d: d)[0]
    binary = bernoulli_model(lambda d: d, td.Normal(torch.zeros(J), 1.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run_over(Importance(samples=5), normal, 255 * data(3), seed=0)
        run_over(Importance(samples=5), binary, torch.eye(D)[:3], seed=0)


@pytest.mark.parametrize(
    ("mean", "shape"), [(torch.zeros(J), f"({J},)"), (torch.zeros(1, J), f"(1, {J})")], ids=["no rows", "one row"]
)
@pytest.mark.parametrize("family", [td.Normal, td.Bernoulli])
def test_one_q_for_all_images_is_refused_in_one_line(
    family: Callable[..., td.Distribution], mean: Tensor, shape: str
) -> None:
    zero = torch.zeros(J)
    q, prior = (
        (td.Normal(mean, 1.0), td.Normal(zero, 1.0))
        if family is td.Normal
        else (td.Bernoulli(mean), td.Bernoulli(zero))
    )
    model = from_torch_distributions(lambda x: q, lambda z: td.Bernoulli(logits=z.new_zeros(D)), prior)
    message = f"encoder: q(z|x) of shape {shape} for x of shape (5, {D}); allowed: one q(z|x) for each image, (5, J); "
    with pytest.raises(UserError, match=re.escape(message)) as error:
        run_over(Importance(samples=50), model, torch.zeros(5, D), seed=0)
    assert "\n" not in str(error.value)


class _AsNormal(nn.Module):
    def forward(self, mean: Tensor) -> td.Normal:
        return td.Normal(mean, torch.ones_like(mean))


@pytest.mark.parametrize("dtype", [torch.float64, torch.uint8])
def test_images_of_another_type_than_the_weights_are_refused_in_one_line(dtype: torch.dtype) -> None:
    model = from_torch_distributions(
        nn.Sequential(nn.Linear(3, 2), _AsNormal()),
        lambda z: td.Bernoulli(logits=z[..., :1].expand(*z.shape[:-1], 3)),
        td.Normal(torch.zeros(2), torch.ones(2)),
    )
    x = torch.ones(4, 3, dtype=dtype)
    kind = str(dtype).removeprefix("torch.")
    with pytest.raises(UserError, match=rf"^x: {kind}, which the encoder does not take .*; try: x.float\(\)$"):
        run_over(Importance(samples=2), model, x, seed=0)
    assert run_over(Importance(samples=2), model, x.float(), seed=0).n == 4


@pytest.mark.parametrize(
    "page", ["README.md", "docs/python.md", "docs/how-to/own-model.md", "docs/tutorials/log-px-six-ways.md"]
)
def test_the_pages_name_the_families_that_encoder_and_prior_may_return(page: str) -> None:
    text = " ".join((REPOSITORY / page).read_text(encoding="utf-8").split())
    sentence = re.search(r"encoder and (?:its )?prior return ((?:`\w+`(?: or )?)+)", text)
    assert sentence is not None
    zero = torch.zeros(3, J)
    families = (td.Normal, td.Bernoulli, td.Laplace, td.Cauchy, td.LogNormal, td.ContinuousBernoulli, td.Poisson)
    accepted = set()
    for family in families:
        q = family(*[zero + 0.5] * len(set(family.arg_constraints) - {"logits"}))
        model = from_torch_distributions(lambda x, q=q: q, lambda z: td.Normal(z, 1.0), lambda q=q: q)
        with contextlib.suppress(UserError):
            assert isinstance(model.encoder(zero), type(model.prior()))
            accepted.add(family.__name__)
    assert set(re.findall(r"\w+", sentence[1])) - {"or"} == accepted


def test_the_example_of_the_how_to_runs(tmp_path):
    page = REPOSITORY / "docs" / "how-to" / "own-model.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (example,) = [block for block in blocks if "from_torch_distributions" in block]
    done = python("-c", example, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["quadrature", "ais", "importance"]


RATE = nn.Parameter(torch.tensor([[2.0, -1.0, 0.5, 1.0]]), requires_grad=False)
STANDARD = td.Normal(torch.zeros(1), torch.ones(1))


def counts_model(
    decoder: Callable[[Tensor], td.Distribution], prior: td.Distribution = STANDARD, family: Any = td.Normal
) -> VAE:
    return from_torch_distributions(
        lambda x: family(0.5 * torch.ones(len(x), 1), *[1.2][: family is td.Normal]), decoder, prior
    )


@pytest.mark.parametrize(
    ("decoder", "x", "message"),
    [
        (lambda z: td.Poisson((z @ RATE).exp()), -1.0, "x: values from -1 to -1 that a Poisson p(x|z) does not have"),
        (lambda z: td.Poisson((z @ RATE).exp()), 0.5, "allowed: its support, IntegerGreaterThan(lower_bound=0)"),
        (
            lambda z: td.Uniform(z @ RATE, z @ RATE + 1),
            0.5,
            "does not have at every z; allowed: its support, Interval(",
        ),
        (lambda z: td.Normal(z @ RATE, 1.0), math.nan, "x: nan or infinite values; allowed: finite numbers"),
        (lambda z: td.Normal(z, 1.0), 0.5, "decoder: p(x|z) of shape (1, 1) for x of shape (3, 4); allowed: (..., 4)"),
    ],
)
def test_images_that_the_decoder_has_not_are_refused_in_one_line(
    decoder: Callable[[Tensor], td.Distribution], x: float, message: str
) -> None:
    with pytest.raises(UserError, match=re.escape(message)) as error:
        run_over(Importance(samples=5), counts_model(decoder), torch.full((3, 4), x), seed=0)
    assert "\n" not in str(error.value)


def test_a_binary_q_needs_a_binary_prior() -> None:
    model = counts_model(lambda z: td.Normal(z @ RATE, 1.0), family=td.Bernoulli)
    with pytest.raises(UserError, match=r"encoder: q.* is a Bernoulli and the prior a Normal") as error:
        run_over(Importance(samples=5), model, torch.ones(3, 4), seed=0)
    assert "\n" not in str(error.value)


def test_a_distribution_without_a_mean_is_named() -> None:
    model = counts_model(lambda z: td.TransformedDistribution(td.Normal(z @ RATE, 1.0), [td.SigmoidTransform()]))
    x = torch.full((3, 4), 0.5)
    assert run_over(Importance(samples=5), model, x, seed=0).n == 3
    with pytest.raises(UserError, match=r"decoder: p.* is a TransformedDistribution, of which torch knows no mean"):
        run_over(Reconstruction(), model, x, seed=0)
