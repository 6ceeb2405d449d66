"""A VAE in the units of the data: an exact change of variables, whatever the units."""

import math

import pytest
import torch

from aevb.distributions import Bernoulli
from aevb.errors import UserError
from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.gaussian import GaussianDecoder, GaussianEncoder
from aevb.models.prior import StandardNormal
from aevb.models.standardised import StandardisedVAE

D, J = 6, 2
X = torch.randn(200, D, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def model(**options: float) -> StandardisedVAE:
    decoder = GaussianDecoder(D, J, 5, mean="linear", **options)
    vae = StandardisedVAE(GaussianEncoder(D, J, 5), decoder, StandardNormal(J), D, "glorot", seed=1)
    return vae.double()


def test_the_density_is_that_of_the_standardised_data_and_a_jacobian() -> None:
    scale, shift = torch.tensor([1e-4, 1.0, 3.0, 1e3, 255.0, 1e6]).double(), torch.arange(6.0).double() * 1e5
    plain, scaled = model(), model()
    unit = (X - X.mean(0)) / X.std(0, correction=0)
    plain.set_units(unit)
    scaled.set_units(scale * unit + shift)
    z = torch.randn(200, J, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    one = plain.decoder(z).log_prob(unit)
    other = scaled.decoder(z).log_prob(scale * unit + shift)
    assert torch.allclose(other, one - scale.log().sum(), atol=1e-5)
    assert torch.allclose(scaled.encoder(scale * unit + shift).mean, plain.encoder(unit).mean, atol=1e-6)


def test_it_begins_at_the_gaussian_of_the_data() -> None:
    vae = StandardisedVAE(
        GaussianEncoder(D, J, 5), GaussianDecoder(D, J, 5, mean="linear"), StandardNormal(J), D, "paper", seed=1
    ).double()
    x = 1000 * X + 5e5
    vae.set_units(x)
    px_z = vae.decoder(torch.zeros(1, J, dtype=torch.float64))
    assert torch.allclose(px_z.mean, x.mean(0), rtol=1e-3)
    assert torch.allclose(px_z.log_var.exp(), x.var(0, correction=0), rtol=1e-2)


def test_a_constant_pixel_has_unit_scale() -> None:
    vae, x = model(), X.clone()
    x[:, 3] = 0.1
    vae.set_units(x.float().double())
    assert vae.decoder.scale[3] == 1
    assert vae.decoder.location[3] == pytest.approx(0.1)


def test_the_units_are_part_of_the_weights() -> None:
    trained, loaded = model(), model()
    trained.set_units(3 * X + 1)
    loaded.load_state_dict(trained.state_dict())
    assert torch.equal(loaded.encoder(X).mean, trained.encoder(X).mean)
    assert torch.equal(loaded.decoder(X[:, :J]).mean, trained.decoder(X[:, :J]).mean)


def test_attributes_are_those_of_the_networks() -> None:
    vae = model(min_std=0.5)
    assert vae.decoder.min_std == 0.5
    assert vae.encoder.variance is None
    assert vae.has_density
    assert vae.likelihood == "gaussian"
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = vae.encoder.no_such_name


def test_another_likelihood_is_refused() -> None:
    vae = StandardisedVAE(GaussianEncoder(D, J, 5), BernoulliDecoder(D, J, 5), StandardNormal(J), D)
    assert isinstance(vae.decoder.network(torch.zeros(1, J)), Bernoulli)
    with pytest.raises(UserError, match=r"model\.decoder: BernoulliDecoder is not Gaussian"):
        vae.decoder(torch.zeros(1, J))


def test_the_floor_bounds_the_density_of_a_constant_pixel() -> None:
    """The variance is min_std^2 + e^v: for v -> -inf the density at the mean is that of the floor."""
    decoder = GaussianDecoder(1, J, 5, min_std=0.01).double()
    torch.nn.init.constant_(decoder.log_var.weight, 0.0)
    for v, variance in ((-1e4, 1e-4), (-1e300, 1e-4), (math.log(1e-4), 2e-4), (5.0, math.exp(5) + 1e-4)):
        torch.nn.init.constant_(decoder.log_var.bias, v)
        assert decoder(torch.zeros(1, J).double()).log_var.exp().item() == pytest.approx(variance)
