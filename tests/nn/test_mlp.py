"""Hidden layers: depth, activations, and unchanged initial values of one layer."""

import pytest
import torch
import torch.nn.functional as F

from aevb.errors import UserError
from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.closed_form_gradients import BernoulliPosterior, has_closed_form
from aevb.models.gaussian import GaussianDecoder, GaussianEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.nn.mlp import activation_function

D, J = 5, 2


def vae(hidden_dim, decoder=BernoulliDecoder) -> VAE:
    return VAE(GaussianEncoder(D, J, hidden_dim), decoder(D, J, hidden_dim), StandardNormal(J), "paper", 0)


def test_a_list_of_one_is_the_number():
    one, listed = vae(4).state_dict(), vae([4]).state_dict()
    assert list(one) == list(listed)
    torch.testing.assert_close(one, listed, rtol=0, atol=0)


def test_layers_are_applied_in_order():
    decoder, z = BernoulliDecoder(D, J, [4, 3], "relu"), torch.randn(7, J)
    first, second = decoder.hidden, decoder.deeper[0]
    h = F.relu(F.linear(F.relu(F.linear(z, first.weight, first.bias)), second.weight, second.bias))
    expected = F.linear(h, decoder.logits.weight, decoder.logits.bias)
    torch.testing.assert_close(decoder(z).mean, torch.sigmoid(expected))
    assert [tuple(parameter.shape) for parameter in decoder.parameters() if parameter.dim() > 1] == [
        (4, 2),
        (3, 4),
        (5, 3),
    ]


@pytest.mark.parametrize("decoder", [BernoulliDecoder, GaussianDecoder])
def test_the_closed_form_is_for_any_number_of_layers(decoder):
    assert has_closed_form(vae(4, decoder))
    assert has_closed_form(vae([4, 3], decoder))
    assert not BernoulliPosterior.fits(vae([4, 3]))


def test_activations_by_hand():
    v = torch.tensor([-1.0, 0.5])
    assert activation_function("leaky_relu")(v).tolist() == pytest.approx([-0.01, 0.5])
    assert activation_function("gelu")(v).tolist() == pytest.approx([-0.1586553, 0.3457312], abs=1e-6)
    assert activation_function("elu")(v).tolist() == pytest.approx([-0.6321206, 0.5])


def test_no_layer_is_refused():
    with pytest.raises(UserError, match=r"hidden_dim=\[\]: no hidden layer"):
        vae([])
