"""The discriminator: its layers, and a logit that has a gradient for x alone."""

import torch
import torch.nn.functional as F

from aevb.nn.discriminator import Discriminator


def test_one_layer_has_the_parameters_of_earlier_checkpoints():
    assert list(Discriminator(3, 4).state_dict()) == ["hidden.weight", "hidden.bias", "logit.weight", "logit.bias"]


def test_several_layers_are_the_formula():
    discriminator, x = Discriminator(3, [5, 4], "leaky_relu"), torch.randn(2, 6, 3)
    h = x
    for layer in (discriminator.hidden, *discriminator.deeper):
        h = F.leaky_relu(F.linear(h, layer.weight, layer.bias))
    expected = F.linear(h, discriminator.logit.weight, discriminator.logit.bias)[..., 0]
    torch.testing.assert_close(discriminator(x), expected)
    assert [tuple(parameter.shape) for parameter in discriminator.parameters()] == [
        *((5, 3), (5,), (4, 5), (4,), (1, 4), (1,))
    ]


def test_the_fixed_logit_has_a_gradient_for_x_alone():
    discriminator, x = Discriminator(3, [5, 4]), torch.randn(6, 3, requires_grad=True)
    logit = discriminator.of_fixed(x)
    torch.testing.assert_close(logit, discriminator(x))
    (of_x,) = torch.autograd.grad(discriminator(x).sum(), x)
    assert of_x.any()
    own = torch.autograd.grad(logit.sum(), [x, *discriminator.parameters()], allow_unused=True)
    torch.testing.assert_close(own[0], of_x)
    assert own[1:] == (None,) * 6
