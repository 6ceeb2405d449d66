"""The methods that the benchmark compares compute the same thing, so that only their speed differs."""

import math
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Bernoulli, Normal, kl_divergence
from torch.utils.flop_counter import FlopCounterMode

from aevb.estimators.importance import importance as aevb_importance
from aevb.noise import Noise, RowNoise
from aevb.objectives.objective import Batch
from aevb.objectives.sgvb_b import SGVB_B
from aevb.runs.run import finished
from aevb.training.minibatches import Stream
from benchmarks import matmul
from benchmarks.benchmark_model import SMALL, BenchmarkModel
from benchmarks.rivals import eager, examples, gemm, importance_gemm, importance_naive
from benchmarks.rivals.hand import Hand
from benchmarks.trained_model import load_trained
from helpers.commands import REPOSITORY, aevb, process
from helpers.gates import run
from helpers.statistics import FAILURE_RATE

ONEDNN = pytest.mark.skipif(not matmul.available(), reason="this torch comes without oneDNN")
M, J = SMALL.batch_size, SMALL.latent_dim


@pytest.fixture(scope="module")
def x() -> Tensor:
    """A minibatch."""
    return torch.from_numpy(SMALL.train()[:M])


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    """Where a hundred steps have led, so that no gradient is zero."""
    return load_trained(SMALL, steps=150).state_dict()


def oracle(weights: dict[str, Tensor], x: Tensor, eps: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Loss and gradients in float64 by torch.distributions and autograd."""
    w = {name: value.double().requires_grad_() for name, value in weights.items()}
    x = x.double()
    linear = lambda name, value: F.linear(value, w[f"{name}.weight"], w[f"{name}.bias"])  # noqa: E731
    h = torch.tanh(linear("encoder.hidden", x))
    q = Normal(linear("encoder.mean", h), torch.exp(0.5 * linear("encoder.log_var", h)))
    z = q.loc + q.scale * eps.double()
    logits = linear("decoder.logits", torch.tanh(linear("decoder.hidden", z)))
    kl = kl_divergence(q, Normal(torch.zeros(()).double(), torch.ones(()).double())).sum(1)
    loss = (kl - Bernoulli(logits=logits, validate_args=False).log_prob(x).sum(1)).mean()
    return loss, dict(zip(w, torch.autograd.grad(loss, list(w.values())), strict=True))


def agree(loss: Tensor, gradients: dict[str, Tensor], weights: dict[str, Tensor], x: Tensor, eps: Tensor) -> None:
    """Asserts that loss and every gradient are the oracle's, relative to the largest entry."""
    expected, expected_gradients = oracle(weights, x, eps)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    assert gradients.keys() == expected_gradients.keys()
    for name, gradient in gradients.items():
        error = (gradient - expected_gradients[name]).abs().max() / expected_gradients[name].abs().max()
        assert error < 1e-5, f"{name}: {error}"


def seeded_normal() -> Tensor:
    """What a model that draws its own noise draws first after torch.manual_seed(0)."""
    torch.manual_seed(0)
    eps = torch.randn(M, J)
    torch.manual_seed(0)
    return eps


def small_model(weights: dict[str, Tensor]) -> torch.nn.Module:
    model = SMALL.model()
    model.load_state_dict(weights)
    return model


@pytest.mark.parametrize("by", ["torch", pytest.param("onednn", marks=ONEDNN)])
def test_closed_form_gradients_by_hand_are_autograds(by: str, x: Tensor, weights: dict[str, Tensor]) -> None:
    eps = torch.randn(M, J, generator=torch.Generator().manual_seed(0))
    hand = Hand(small_model(weights), M, SMALL.lr, len(x), by)
    loss = hand.gradients(x, eps)
    for parameter in (hand.w1, hand.w2, hand.w3, hand.w4, hand.b1, hand.b2, hand.b3, hand.b4):
        parameter.data = parameter.grad  # so that they come under the model's names
    agree(loss, hand.state_dict(), weights, x, eps)


def test_the_pytorch_example(x: Tensor, weights: dict[str, Tensor]) -> None:
    layers = {"encoder.hidden": "fc1", "encoder.mean": "fc21", "encoder.log_var": "fc22"}
    layers |= {"decoder.hidden": "fc3", "decoder.logits": "fc4"}
    names = {name: f"{layers[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}" for name in weights}
    vae = examples.VAE(x.shape[1], SMALL.hidden_dim, J)
    vae.load_state_dict({names[name]: value for name, value in weights.items()})
    eps = seeded_normal()
    recon_x, mu, logvar = vae(x.view(M, 1, 8, 8))
    loss = examples.loss_function(recon_x, x, mu, logvar) / M
    loss.backward()
    parameters = dict(vae.named_parameters())
    agree(loss, {name: parameters[names[name]].grad for name in weights}, weights, x, eps)


def test_the_images_of_the_pytorch_example() -> None:
    data = np.random.RandomState(0).randint(0, 256, (7, 8, 9)).astype(np.uint8)
    train_set = examples.images(data, np.arange(7))
    assert len(train_set) == 7
    for index, (image, label) in enumerate(train_set):
        assert torch.equal(image, torch.from_numpy(data[index : index + 1]) / 255)
        assert label == index


def test_the_eager_loop_and_textbook_lightning(x: Tensor, weights: dict[str, Tensor]) -> None:
    vae = eager.VAE(x.shape[1], SMALL.hidden_dim, J)
    encoder, decoder = vae.encoder, vae.decoder
    pairs = {"encoder.hidden": encoder[0], "decoder.hidden": decoder[0], "decoder.logits": decoder[2]}
    with torch.no_grad():
        for kind in ("weight", "bias"):
            for name, layer in pairs.items():
                getattr(layer, kind).copy_(weights[f"{name}.{kind}"])
            both = torch.cat([weights[f"encoder.mean.{kind}"], weights[f"encoder.log_var.{kind}"]])
            getattr(encoder[2], kind).copy_(both)
    eps = seeded_normal()
    loss = vae(x)
    loss.backward()
    gradients = {
        f"{name}.{kind}": getattr(layer, kind).grad for name, layer in pairs.items() for kind in ("weight", "bias")
    }
    for kind in ("weight", "bias"):
        mean, log_var = getattr(encoder[2], kind).grad.chunk(2)
        gradients |= {f"encoder.mean.{kind}": mean, f"encoder.log_var.{kind}": log_var}
    agree(loss, {name: gradients[name] for name in weights}, weights, x, eps)


JAX = """\
import sys, jax, numpy as np
from benchmarks.rivals import jax_scan
inputs = dict(np.load(sys.argv[1]))
x, eps = inputs.pop("x"), inputs.pop("eps")
loss, grad = jax.value_and_grad(jax_scan.loss)(jax_scan.start(inputs), x, eps)
np.savez(sys.argv[2], loss=loss, **grad)
"""


@pytest.mark.skipif(not find_spec("jax"), reason="extra bench")
def test_jax(x: Tensor, weights: dict[str, Tensor], tmp_path: Path) -> None:
    """In a process of its own, for JAX has threads, and other tests fork theirs."""
    eps = torch.randn(M, J, generator=torch.Generator().manual_seed(0))
    inputs, computed = tmp_path / "inputs.npz", tmp_path / "computed.npz"
    np.savez(inputs, x=x.numpy(), eps=eps.numpy(), **{name: value.numpy() for name, value in weights.items()})
    done = process([sys.executable, "-c", JAX, str(inputs), str(computed)], REPOSITORY)
    assert done.returncode == 0, done.stderr
    by_layer = {name: torch.from_numpy(value) for name, value in np.load(computed).items()}
    loss = by_layer.pop("loss")
    gradients = {}
    for kind, letter in (("weight", "w"), ("bias", "b")):
        mean, log_var = by_layer[f"{letter}2"].chunk(2)
        gradients |= {f"encoder.hidden.{kind}": by_layer[f"{letter}1"], f"encoder.mean.{kind}": mean}
        gradients |= {f"encoder.log_var.{kind}": log_var, f"decoder.hidden.{kind}": by_layer[f"{letter}3"]}
        gradients |= {f"decoder.logits.{kind}": by_layer[f"{letter}4"]}
    agree(loss, {name: gradients[name] for name in weights}, weights, x, eps)


def test_the_hand_written_loop_takes_aevbs_steps(tmp_path) -> None:
    """150 minibatches of a real run in float64, warm-up, prior on the weights and all."""
    steps = 150
    brief = (f"max_samples={steps * M}", "trainer.precision=64", "evaluator=bound", "logger=none")
    result = aevb("train", *SMALL.overrides(), *brief, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    (trained_run,) = finished(tmp_path)
    gradients = torch.load(trained_run.directory / "model.pt", weights_only=True)

    images = torch.from_numpy(SMALL.train()).double()
    stream = Stream(images, M, SMALL.seed)
    start = SMALL.model().double()
    hand = Hand(start, M, SMALL.lr, len(images))
    for _ in range(steps):
        batch, _, noise = next(stream)
        hand.step(batch, noise.normal((1, M, J), torch.float64)[0])
    for name, value in hand.state_dict().items():
        error = (gradients[name] - value).abs().max().item()
        assert error < 1e-9, f"{name}: {error}"
    moved = max((gradients[name] - value).abs().max().item() for name, value in start.state_dict().items())
    assert moved > 0.01


def test_matrix_products_alone_are_those_of_a_step(x: Tensor) -> None:
    model = SMALL.model().double()  # float64: whose products are counted in every library
    with FlopCounterMode(display=False) as counter:
        (update,) = SGVB_B()(model, iter([Batch(x.double(), torch.arange(M), Noise(0, "noise", 0))]))
        update.loss.backward()
    assert counter.get_total_flops() == gemm.flops(SMALL)
    with FlopCounterMode(display=False) as counter:
        run(gemm.loop, SMALL, steps=1)
    assert counter.get_total_flops() == gemm.flops(SMALL)


def test_the_papers_model_takes_two_fifths_of_a_gigaflop() -> None:
    d, h, j, m = 784, 500, 20, 100  # appendix C's networks, products counted by hand
    forwards = d * h + h * j + h * j + j * h + h * d
    assert gemm.flops(BenchmarkModel()) == 2 * m * (forwards + forwards + (forwards - d * h)) == 410_000_000


def test_matrix_products_alone_are_those_of_importance_sampling(x: Tensor) -> None:
    spec = BenchmarkModel(**{**vars(SMALL), "samples": 250})
    model = SMALL.model().double()
    with FlopCounterMode(display=False) as counter:
        aevb_importance(model, x[:1].double(), RowNoise(0, "test", range(1)), spec.samples)
    with FlopCounterMode(display=False) as encoder:
        model.encoder(x[:1].double())
    with FlopCounterMode(display=False) as alone:
        run(importance_gemm.loop, spec, steps=1)
    assert alone.get_total_flops() == counter.get_total_flops() - encoder.get_total_flops()


def test_naive_importance_sampling_estimates_the_same(x: Tensor, weights: dict[str, Tensor]) -> None:
    """z-test of two independent estimates for 20 images; fails by chance at FAILURE_RATE, the errors being normal."""
    n, k = 20, 20_000
    model = small_model(weights)
    expected = aevb_importance(model, x[:n], RowNoise(0, "test", range(n)), k)
    torch.manual_seed(0)
    naive = torch.stack([importance_naive.log_px(model, image, k) for image in x[:n]])
    z = (naive.double() - expected.log_px).abs() / (math.sqrt(2) * expected.monte_carlo_error)
    limit = Normal(0.0, 1.0).icdf(torch.tensor(1 - FAILURE_RATE / n / 2, dtype=torch.float64))
    assert z.max() < limit, f"{z}"
    assert expected.monte_carlo_error.max() < 0.1
