"""On a GPU a static round is all the GPU's: no operation has a tensor of the host's in it, or brings one over.

torch's fake tensors have shapes and a device, and no numbers: so this is seen without a GPU. There is no autograd for them
without a driver; what a backward pass does is on the device of what went forward.
"""

from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from aevb.objectives.exact_bound import ExactBound
from aevb.objectives.mmd import MMD
from aevb.objectives.sgvb_b import SGVB_B
from aevb.optimizers.adagrad import AuthorsAdagrad
from aevb.optimizers.torch import adagrad, adam
from aevb.training.cuda_graph import state_is_on_device
from aevb.training.divergence import DivergenceWatch
from aevb.training.minibatches import Stream
from aevb.training.module import Training
from aevb.training.running_mean import RunningMean
from aevb.training.schedule import Block
from helpers.static_rounds import MODELS, OPTIMIZERS, STATIC, D, K, M, N


class HostOperations(TorchDispatchMode):
    """Operations that a tensor of the host took part in."""

    def __init__(self):
        super().__init__()
        self.host = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for leaf in tree_flatten((args, kwargs, out))[0]:
            if isinstance(leaf, torch.Tensor) and leaf.device.type != "cuda":
                self.host.add(str(func))
        return out


@pytest.fixture(autouse=True)
def there_are_fake_ones():
    try:
        with FakeTensorMode():
            torch.empty(1, device="cuda")
    except (RuntimeError, AssertionError) as error:
        pytest.skip(f"this torch has no fake CUDA tensors: {error}")


def on_gpu(module: nn.Module) -> nn.Module:
    """The module with tensors of a GPU in place of its own."""
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None:
                part._parameters[name] = nn.Parameter(torch.empty(parameter.shape))
        for name, buffer in part._buffers.items():
            part._buffers[name] = torch.empty(buffer.shape, dtype=buffer.dtype)
    return module


def backward(loss, inputs):
    for parameter in inputs:
        parameter.grad = torch.zeros_like(parameter)


def on_the_host(monkeypatch, model, objective, engine, optimizer) -> set[str]:
    """Operations of two rounds in which the host has a part."""
    vae, objective = MODELS[model](), objective()
    monkeypatch.setattr(torch.Tensor, "backward", backward)
    with FakeTensorMode():
        with torch.device("cuda"):
            vae, objective, x = on_gpu(vae), on_gpu(objective), torch.empty(N, D)
        stream = Stream(x, M, seed=3, dynamic=True)
        module = Training(vae, objective, stream, OPTIMIZERS[optimizer], RunningMean(100), engine)
        optimizers = module.configure_optimizers()
        module.optimizers = lambda use_pl_optimizer: optimizers
        minibatches_on_device, own = stream.on_device(3), module._optimizers()
        minibatches = iter(minibatches_on_device.batches())
        list(module._round(minibatches, own))  # an optimizer's first step makes what it keeps
        with HostOperations() as seen:
            minibatches = iter(minibatches_on_device.batches())
            for _ in range(2):
                list(module._round(minibatches, own))
    return seen.host


@pytest.mark.parametrize(("model", "objective", "engine", "optimizer"), [case for case in STATIC if case[-1] != "sgd"])
def test_the_host_has_no_part_in_a_static_round(monkeypatch, model, objective, engine, optimizer):
    assert on_the_host(monkeypatch, model, objective, engine, optimizer) == set()


class Calls:
    """torch.cuda's streams and graphs by their names, without a driver; the calls are kept."""

    def __init__(self, monkeypatch):
        self.made = []
        for name in ("Stream", "CUDAGraph", "graph", "stream", "current_stream"):
            assert hasattr(torch.cuda, name)
            monkeypatch.setattr(torch.cuda, name, partial(self._call, name))

    @contextmanager
    def _inside(self, name):
        self.made.append(f"begin {name}")
        yield
        self.made.append(f"end {name}")

    def _call(self, name, *arguments, **options):
        if name in ("graph", "stream"):
            return self._inside(name)
        return SimpleNamespace(
            wait_stream=lambda other: self.made.append("wait"), replay=lambda: self.made.append("replay")
        )


def test_the_module_records_after_its_first_rounds_and_then_replays(monkeypatch):
    """The path of a GPU itself: rounds one by one on the other stream, which waits and is waited for; then one recording."""
    calls, vae, objective = Calls(monkeypatch), MODELS["paper"](), SGVB_B()
    monkeypatch.setattr(DivergenceWatch, "finite_bounds", lambda watch, updates: [])  # fake tensors have no numbers
    with FakeTensorMode(allow_non_fake_inputs=True):
        with torch.device("cuda"):
            vae = on_gpu(vae)
        stream = Stream(torch.empty(N, D), M, seed=3, dynamic=True)
        module = Training(vae, objective, stream, OPTIMIZERS["authors"], RunningMean(100), graph_steps=K)
        module._device = torch.device("cuda", 0)
        optimizers = module.configure_optimizers()
        module.optimizers = lambda use_pl_optimizer: optimizers
        module.on_fit_start()
        for rounds in (3, 2 * K):
            module.training_step(Block(module.samples_seen, module.samples_seen + rounds * M))
    one_by_one = ["wait", "begin stream", "end stream", "wait"]
    assert calls.made == [*3 * one_by_one, "begin graph", "end graph", "replay", "replay"]
    assert stream.x.device.type == "cuda"


@pytest.mark.parametrize(("model", "objective"), [("binary", ExactBound), ("paper", lambda: MMD(bandwidth=1.0))])
def test_where_it_has_one_it_is_seen(monkeypatch, model, objective):
    assert on_the_host(monkeypatch, model, objective, "auto", "adam")


def test_the_optimisers_of_a_gpu():
    """Adam may be recorded there, the authors' Adagrad too; torch's Adagrad is without the kernel that not every torch has."""

    def groups(device):
        return [{"params": [nn.Parameter(torch.empty(2, device=device))], "weight_decay": 0.1}]

    with FakeTensorMode():
        assert adam(groups("cuda")).param_groups[0]["capturable"]
        assert state_is_on_device(adam(groups("cuda")))
        assert state_is_on_device(AuthorsAdagrad(groups("cuda"), M))
        assert not adagrad(groups("cuda")).param_groups[0]["fused"]
        assert not state_is_on_device(adagrad(groups("cuda")))
    assert not adam(groups("cpu")).param_groups[0]["capturable"]
    assert adagrad(groups("cpu")).param_groups[0]["fused"]


def test_a_state_that_was_saved_on_another_device_keeps_the_options_of_this_one():
    """A run that is resumed on a GPU is recorded there, as one that began there."""

    def taken(make, device, saved=None):
        weight = nn.Parameter(torch.ones(2, device=device))
        optimizer = make([{"params": [weight], "weight_decay": 0.0}])
        if saved is None:
            weight.grad = torch.ones_like(weight)
            optimizer.step()
        else:
            optimizer.load_state_dict(saved)
        return optimizer

    def with_shapes(saved, device):
        states = {i: {k: torch.empty(v.shape, device=device) for k, v in s.items()} for i, s in saved["state"].items()}
        return {**saved, "state": states}

    on_host = {make: taken(make, "cpu").state_dict() for make in (adam, adagrad)}
    with FakeTensorMode():
        on_device = {make: taken(make, "cuda", with_shapes(on_host[make], "cpu")) for make in (adam, adagrad)}
        assert on_device[adam].param_groups[0]["capturable"]
        assert state_is_on_device(on_device[adam])
        assert not on_device[adagrad].param_groups[0]["fused"]
        assert not state_is_on_device(on_device[adagrad])
        back = {make: taken(make, "cpu", on_device[make].state_dict()) for make in (adam, adagrad)}
        assert not back[adam].param_groups[0]["capturable"]
        assert back[adagrad].param_groups[0]["fused"]
        assert state_is_on_device(back[adagrad])
