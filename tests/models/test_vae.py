"""The networks compared to the equations of appendix C, and their initial values to the authors' code."""

import pytest
import torch

from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.gaussian import GaussianDecoder, GaussianEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.noise import Noise

D, J, H = 784, 20, 500


def make(decoder=BernoulliDecoder, **options):
    return VAE(GaussianEncoder(D, J, H), decoder(D, J, H), StandardNormal(J), **options)


def test_state_dict_keys_are_the_documented_ones():
    layers = ["encoder.hidden", "encoder.mean", "encoder.log_var", "decoder.hidden"]
    for decoder, outputs in ((BernoulliDecoder, ["logits"]), (GaussianDecoder, ["mean", "log_var"])):
        names = [*layers, *(f"decoder.{output}" for output in outputs)]
        assert set(make(decoder).state_dict()) == {f"{name}.{kind}" for name in names for kind in ("weight", "bias")}


def test_bernoulli_model_is_equation_11():
    model, x, z = make(), torch.rand(3, D), torch.randn(3, J)
    w = model.decoder.state_dict()
    y = torch.sigmoid(torch.tanh(z @ w["hidden.weight"].T + w["hidden.bias"]) @ w["logits.weight"].T + w["logits.bias"])
    log_px_z = (x * y.log() + (1 - x) * (1 - y).log()).sum(1)
    torch.testing.assert_close(model.decoder(z).log_prob(x), log_px_z, rtol=1e-5, atol=1e-3)
    log_pz = torch.distributions.Normal(0, 1).log_prob(z).sum(1)
    torch.testing.assert_close(model.log_joint(x, z), log_pz + log_px_z, rtol=1e-5, atol=1e-3)


def test_gaussian_model_is_equation_12():
    model, x, z = make(GaussianDecoder), torch.rand(3, D), torch.randn(3, J)
    w = model.decoder.state_dict()
    h = torch.tanh(z @ w["hidden.weight"].T + w["hidden.bias"])
    mean = torch.sigmoid(h @ w["mean.weight"].T + w["mean.bias"])
    log_var = h @ w["log_var.weight"].T + w["log_var.bias"]
    expected = torch.distributions.Normal(mean, (0.5 * log_var).exp()).log_prob(x).sum(1)
    torch.testing.assert_close(model.decoder(z).log_prob(x), expected)
    v = model.encoder.state_dict()
    h = torch.tanh(x @ v["hidden.weight"].T + v["hidden.bias"])
    torch.testing.assert_close(model.encoder(x).mean, h @ v["mean.weight"].T + v["mean.bias"])
    torch.testing.assert_close(model.encoder(x).log_var, h @ v["log_var.weight"].T + v["log_var.bias"])


def test_theta_and_phi_are_all_parameters_once():
    model = make()
    ids = [id(p) for p in (*model.theta, *model.phi)]
    assert sorted(ids) == sorted(id(p) for p in model.parameters())


@pytest.mark.parametrize(("scheme", "std"), [("paper", 0.01), ("paper_variance", 0.1)])
@pytest.mark.parametrize("decoder", [BernoulliDecoder, GaussianDecoder])
def test_the_papers_start(scheme, std, decoder):
    """N(0, 0.01^2) or N(0, 0.1^2), the standard deviation to 4 standard errors; log-variances and output biases are zero."""
    zero = {
        "encoder.log_var.weight",
        "encoder.log_var.bias",
        "decoder.logits.bias",
        "decoder.mean.bias",
        "decoder.log_var.bias",
    }
    for name, parameter in make(decoder, initialization=scheme).state_dict().items():
        if name in zero:
            assert (parameter == 0).all(), name
        else:
            assert parameter.std().item() == pytest.approx(std, rel=4 / (2 * parameter.numel()) ** 0.5), name


def test_the_modern_start_is_glorots():
    model = make(initialization="glorot")
    weight = model.encoder.hidden.weight
    assert weight.var().item() == pytest.approx(2 / (D + H), rel=0.02)
    assert all((p == 0).all() for name, p in model.named_parameters() if name.endswith("bias"))


def test_the_start_is_a_function_of_the_seed():
    one, same, other = (make(initialization="paper", seed=seed) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(one.encoder.hidden.weight, other.encoder.hidden.weight)


def test_at_the_start_the_bound_is_784_log_2():
    """All logits near zero: -543.43 nats, KL near zero."""
    x = torch.rand(10, D)
    model = make(initialization="paper")
    q = model.encoder(x)
    bound = model.decoder(q.mean).log_prob(x) - q.kl(model.prior())
    torch.testing.assert_close(bound, torch.full((10,), -543.43), rtol=0, atol=2.0)


def test_generate_is_a_function_of_its_noise():
    model = make(initialization="glorot")
    images = model.generate(5, Noise(0, "samples", 0)).mean
    assert images.shape == (5, D)
    assert torch.equal(images, model.generate(5, Noise(0, "samples", 0)).mean)
    assert not torch.equal(images[0], images[1])
