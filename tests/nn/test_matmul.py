"""The products of oneDNN compared to double precision, and their gradients to torch.nn.Linear."""

import pytest
import torch
import torch.nn.functional as F

from aevb.errors import UserError
from aevb.nn import matmul
from aevb.nn.matmul import Linear, affine, matmul_backend, product, tanh_affine, use_matmul_backend


@pytest.fixture(params=["torch", "onednn"])
def library(request, monkeypatch):
    """The products of every size by one library."""
    monkeypatch.setattr(matmul, "SMALL", 0)
    before = matmul_backend()
    try:
        use_matmul_backend(request.param)
    except UserError as missing:
        pytest.skip(str(missing))
    yield request.param
    use_matmul_backend(before)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def close(value, exact):
    """The accuracy of a float32 sum of a few hundred terms of order one."""
    assert value.dtype == torch.float32
    torch.testing.assert_close(value.double(), exact, rtol=0, atol=3e-6 * exact.abs().max().item())


@pytest.mark.parametrize("lead", [(), (3,)])
def test_products_of_matrices_transposed_or_not(library, lead):
    a, b, c = normal(*lead, 7, 300), normal(*lead, 300, 5, seed=1), normal(*lead, 7, 5, seed=2)
    close(product(a, b), a.double() @ b.double())
    close(product(a.mT, c), a.mT.double() @ c.double())
    close(product(c, b.mT), c.double() @ b.mT.double())


FUNCTIONS = pytest.mark.parametrize(("function", "after"), [(affine, lambda y: y), (tanh_affine, torch.tanh)])


@FUNCTIONS
def test_an_affine_map_of_any_rows_and_of_several_layers(library, function, after):
    weight, bias = normal(5, 300, seed=1) / 20, normal(5, seed=2)
    for shape in [(300,), (7, 300), (2, 7, 300)]:
        v = normal(*shape)
        close(function(v, weight, bias), after(F.linear(v.double(), weight.double(), bias.double())))
    v, weights, biases = normal(3, 7, 300), normal(3, 5, 300, seed=1) / 20, normal(3, 5, seed=2)
    exact = torch.stack([F.linear(*(part[e].double() for part in (v, weights, biases))) for e in range(3)])
    close(function(v, weights, biases), after(exact))


@FUNCTIONS
def test_gradients_of_a_layer(library, function, after):
    v, direction = normal(2, 7, 300).requires_grad_(), normal(2, 7, 5, seed=3)
    weight, bias = (normal(5, 300, seed=1) / 20).requires_grad_(), normal(5, seed=2).requires_grad_()
    actual = torch.autograd.grad((function(v, weight, bias) * direction).sum(), [v, weight, bias])
    doubles = [tensor.detach().double().requires_grad_() for tensor in (v, weight, bias)]
    exact = torch.autograd.grad((after(F.linear(*doubles)) * direction.double()).sum(), doubles)
    for gradient, expected in zip(actual, exact, strict=True):
        close(gradient, expected)


def test_a_layer_is_an_affine_map_of_its_weights(library):
    layer, v = Linear(300, 5), normal(2, 7, 300)
    assert torch.equal(layer(v), affine(v, layer.weight, layer.bias))


def test_double_precision_stays_with_torch(library):
    a, b = normal(7, 300).double(), normal(300, 5, seed=1).double()
    torch.testing.assert_close(product(a, b), a @ b, rtol=0, atol=0)


def test_the_library_named_is_the_one_used(library):
    assert matmul_backend() == library


@pytest.mark.parametrize(("rows", "calls"), [(70, 3), (40, 0)])
def test_small_products_stay_with_torch(monkeypatch, rows, calls):
    monkeypatch.setattr(matmul, "_onednn", True)
    called = []

    def linear(v, weight, bias, function="none"):
        called.append(function)
        y = F.linear(v, weight, bias)
        return y.tanh() if function == "tanh" else y

    monkeypatch.setattr(matmul, "_linear", linear)
    v, weight, bias = normal(rows, 300), normal(60, 300, seed=1) / 20, normal(60, seed=2)
    assert torch.equal(product(v, weight.mT), v @ weight.mT)
    assert torch.equal(affine(v, weight, bias), F.linear(v, weight, bias))
    assert torch.equal(tanh_affine(v, weight, bias), F.linear(v, weight, bias).tanh())
    assert len(called) == calls


def test_a_small_product_with_many_outputs_has_its_tanh_from_onednn(monkeypatch):
    monkeypatch.setattr(matmul, "_onednn", True)
    monkeypatch.setattr(matmul, "_linear", lambda v, weight, bias, function: function)
    with torch.no_grad():
        assert tanh_affine(normal(100, 2), normal(500, 2), normal(500)) == "tanh"
        assert torch.is_tensor(affine(normal(100, 2), normal(500, 2), normal(500)))


def test_onednn_is_given_dense_matrices(monkeypatch):
    """Columns of a larger matrix take hundreds of times as long."""
    monkeypatch.setattr(matmul, "_onednn", True)
    operands = []

    def linear(v, weight, bias, function="none"):
        operands.extend([v, weight])
        return F.linear(v, weight, bias)

    monkeypatch.setattr(matmul, "_linear", linear)
    a, b = normal(200, 450)[:, 100:], normal(350, 150, seed=1)[:, :100]
    torch.testing.assert_close(product(a, b), a @ b)
    v, weight = normal(300, 350)[:, :300], normal(50, 300, seed=2).requires_grad_()
    affine(v, weight, torch.zeros(50)).sum().backward()
    assert len(operands) == 6  # product, forward, gradient of the weights
    assert all(m.is_contiguous() or m.mT.is_contiguous() for m in [*operands[:2], *operands[4:]])
