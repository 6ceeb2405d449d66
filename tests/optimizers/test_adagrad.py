"""The authors' Adagrad against its definition written out, step by step."""

import pytest
import torch

from aevb.optimizers import adagrad as module
from aevb.optimizers.adagrad import AuthorsAdagrad
from aevb.optimizers.torch import adagrad, adam


def written_out(w, gradients, *, lr, warmup, eps):
    """s += g^2; if t > warmup: w -= lr g / sqrt(s + eps), on gradients summed over the minibatch."""
    s, path = torch.zeros_like(w), []
    for t, g in enumerate(gradients, start=1):
        s = s + g**2
        if t > warmup:
            w = w - lr * g / torch.sqrt(s + eps)
        path.append(w)
    return torch.stack(path)


@pytest.mark.parametrize("warmup", [0, 3])
@pytest.mark.parametrize("on_host", [True, False], ids=["fused", "lists"])
def test_it_equals_its_definition_in_plain_torch(warmup, on_host, monkeypatch):
    """The lines that the module's docstring shows, with a weight prior, in float64."""
    monkeypatch.setattr(module, "_on_host", lambda tensor: on_host)
    generator = torch.Generator().manual_seed(0)
    start = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((3, 2), (4,))]
    gradients = [
        [1e-2 * torch.randn(p.shape, generator=generator, dtype=torch.float64) for p in start] for _ in range(8)
    ]
    lr, eps, batch_size = 0.1, 1e-4, 20

    def groups():
        weight, bias = (torch.nn.Parameter(p.clone()) for p in start)
        return [{"params": [weight], "weight_decay": 0.3}, {"params": [bias]}]

    actual, plain = groups(), groups()
    optimizer = torch.optim.Adagrad(plain, lr=lr, eps=0.0, initial_accumulator_value=eps / batch_size**2)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: float(step >= warmup))
    fast = AuthorsAdagrad(actual, batch_size, lr=lr, warmup=warmup, eps=eps)
    for step in gradients:
        for group in (actual, plain):
            for part, gradient in zip(group, step, strict=True):
                part["params"][0].grad = gradient.clone()
        optimizer.step()
        scheduler.step()
        fast.step()
        for one, other in zip(actual, plain, strict=True):
            torch.testing.assert_close(one["params"][0], other["params"][0], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("warmup", [0, 3])
@pytest.mark.parametrize("batch_size", [1, 100])
def test_a_mean_loss_moves_as_the_authors_summed_one(warmup, batch_size):
    """Gradients of the mean are 1/M of the sum: with eps / M^2 in the root the path is the same. One entry has no gradient."""
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(4, generator=generator, dtype=torch.float64)
    summed = 1e-3 * torch.randn(10, 4, generator=generator, dtype=torch.float64)
    summed[:, 0] = 0
    expected = written_out(start, summed, lr=0.1, warmup=warmup, eps=1e-4)

    w = torch.nn.Parameter(start.clone())
    optimizer = AuthorsAdagrad([w], batch_size=batch_size, lr=0.1, warmup=warmup, eps=1e-4)
    path = []
    for g in summed:
        w.grad = g / batch_size
        optimizer.step()
        path.append(w.detach().clone())
    torch.testing.assert_close(torch.stack(path), expected, rtol=1e-12, atol=1e-14)


def test_the_weight_prior_enters_before_the_accumulation():
    """g = gradient + w / N, as in the authors' code: accumulated and scaled with the rest."""
    start, gradient, decay = torch.tensor([2.0, -3.0]).double(), torch.tensor([0.5, 0.1]).double(), 0.2
    w = torch.nn.Parameter(start.clone())
    optimizer = AuthorsAdagrad([{"params": [w], "weight_decay": decay}], batch_size=1, lr=0.1, warmup=0, eps=1e-8)
    w.grad = gradient.clone()
    optimizer.step()
    g = gradient + decay * start
    torch.testing.assert_close(w.detach(), start - 0.1 * g / torch.sqrt(g**2 + 1e-8))


def test_the_warmup_survives_a_checkpoint():
    w = torch.nn.Parameter(torch.zeros(2))
    first = AuthorsAdagrad([w], batch_size=1, lr=0.1, warmup=2)
    w.grad = torch.ones(2)
    first.step()
    second = AuthorsAdagrad([w], batch_size=1, lr=0.1, warmup=2)
    second.load_state_dict(first.state_dict())
    second.step()
    assert torch.equal(w.detach(), torch.zeros(2))
    second.step()
    torch.testing.assert_close(w.detach(), torch.full((2,), -0.1 / 3**0.5))


def test_the_warmup_counts_the_steps_of_the_state():
    """Repeating a block copies the count back in place, loading a checkpoint replaces the tensor; both are noticed."""
    w = torch.nn.Parameter(torch.zeros(2))
    optimizer = AuthorsAdagrad([w], batch_size=1, lr=0.1, warmup=2)
    w.grad = torch.ones(2)

    def changes():
        before = w.detach().clone()
        optimizer.step()
        return not torch.equal(w.detach(), before)

    assert [changes() for _ in range(3)] == [False, False, True]
    count = optimizer.state[w]["step"]
    torch._foreach_copy_([count], [torch.ones_like(count)])
    assert [changes() for _ in range(2)] == [False, True]
    state = optimizer.state_dict()
    state["state"][0]["step"] = torch.zeros_like(count)
    optimizer.load_state_dict(state)
    assert [changes() for _ in range(3)] == [False, False, True]


def test_the_step_is_torchs_own_on_every_device(monkeypatch):
    """Two groups, one with a weight prior: the fused kernel, what stands in for it on other devices, and torch's Adagrad; and a
    warm-up, which other devices look up for themselves."""
    generator = torch.Generator().manual_seed(0)
    start = [torch.randn(3, 2, generator=generator), torch.randn(4, generator=generator)]
    gradients = [[torch.randn(p.shape, generator=generator) for p in start] for _ in range(5)]

    def path(make):
        parameters = [torch.nn.Parameter(p.clone()) for p in start]
        optimizer = make([{"params": parameters[:1], "weight_decay": 0.3}, {"params": parameters[1:]}])
        for step in gradients:
            for parameter, gradient in zip(parameters, step, strict=True):
                parameter.grad = gradient.clone()
            optimizer.step()
        return parameters

    actual = path(lambda groups: AuthorsAdagrad(groups, batch_size=10, lr=0.1, warmup=0))
    expected = path(lambda groups: torch.optim.Adagrad(groups, lr=0.1, eps=0.0, initial_accumulator_value=1e-10))
    torch.testing.assert_close(actual, expected)
    warmed = path(lambda groups: AuthorsAdagrad(groups, batch_size=10, lr=0.1, warmup=3))
    assert not torch.equal(actual[0], warmed[0])
    monkeypatch.setattr(module, "_on_host", lambda tensor: False)
    torch.testing.assert_close(path(lambda groups: AuthorsAdagrad(groups, batch_size=10, lr=0.1, warmup=0)), actual)
    torch.testing.assert_close(path(lambda groups: AuthorsAdagrad(groups, batch_size=10, lr=0.1, warmup=3)), warmed)


@pytest.mark.parametrize(("make", "reference"), [(adagrad, torch.optim.Adagrad), (adam, torch.optim.Adam)])
def test_the_others_are_torchs(make, reference):
    actual, expected = torch.nn.Parameter(torch.ones(3)), torch.nn.Parameter(torch.ones(3))
    optimizer, its = make([actual], lr=0.05), reference([expected], lr=0.05)
    for t in range(5):
        actual.grad = expected.grad = torch.tensor([1.0, -2.0, 0.1 * t])
        optimizer.step()
        its.step()
    torch.testing.assert_close(actual, expected)
