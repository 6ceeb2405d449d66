"""Runs on a GPU, where there is one: with a graph and without, and interrupted, they come to the same bits."""

from pathlib import Path

import pytest
import torch

from aevb.runs.run import Run
from aevb.training.cuda_graph import CudaCapture
from aevb.training.minibatches import Stream
from aevb.training.module import Training
from aevb.training.running_mean import RunningMean
from helpers.commands import aevb
from helpers.running import weights
from helpers.static_rounds import BLOCKS, MODELS, OPTIMIZERS, STATIC, D, K, M, N
from helpers.static_rounds import train as take

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device"),
    pytest.mark.filterwarnings("default"),  # what a driver or a library of the card has to say is no failure of aevb
]

SMALL = ("data=digits", "latent_dim=2", "hidden_dim=30", "logger=none", "evaluator=bound", "trainer.accelerator=gpu")
KINDS = [
    (),
    ("objective=sgvb_a", "data.targets=dynamic"),
    ("trainer.engine=autograd", "optimizer=adam"),
    ("objective=iwae", "optimizer=adagrad_torch"),
    ("objective=wake_sleep",),
    ("trainer.precision=64", "clip_norm=1"),
]


class Counting(CudaCapture):
    """recorded: how often."""

    recorded = 0

    def record(self, body):
        self.recorded += 1
        return super().record(body)


class Counted(Training):
    """Keeps what records its rounds."""

    def capture(self):
        self.counting = Counting()
        return self.counting


def on_the_gpu(model: str, objective, engine, optimizer: str, steps: int) -> Counted:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        vae, made, x = MODELS[model](), objective(), torch.rand(N, D)
    module = Counted(
        vae, made, Stream(x, M, 3, dynamic=True), OPTIMIZERS[optimizer], RunningMean(10_000), engine, graph_steps=steps
    ).to("cuda")
    optimizers = module.configure_optimizers()
    module.optimizers = lambda use_pl_optimizer: optimizers
    module.on_fit_start()
    return take(module, BLOCKS)


@pytest.mark.parametrize(("model", "objective", "engine", "optimizer"), STATIC)
def test_recorded_rounds_are_the_rounds_one_by_one(model, objective, engine, optimizer) -> None:
    replayed, plain = (on_the_gpu(model, objective, engine, optimizer, steps) for steps in (K, 0))
    assert (replayed.counting.recorded, plain.counting.recorded) == (1, 0)
    for name, value in replayed.state_dict().items():
        assert torch.equal(value, plain.state_dict()[name]), name
    assert replayed.window.state_dict() == plain.window.state_dict()


def train(folder: Path, name: str, *overrides: str) -> Run:
    result = aevb("train", *SMALL, f"name={name}", *overrides, folder=folder)
    assert result.returncode == 0, result.stderr
    return Run(folder / "outputs" / "runs" / name)


@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
def test_the_same_bits_with_a_graph_without_one_and_interrupted(tmp_path: Path, kind: tuple[str, ...]) -> None:
    budget = "max_samples=30000"
    replayed = train(tmp_path, "replayed", budget, *kind)
    one_by_one = train(tmp_path, "one_by_one", budget, "trainer.graph_steps=0", *kind)
    assert weights(replayed.directory) == weights(one_by_one.directory)
    train(tmp_path, "extended", "max_samples=13700", *kind)
    extended = train(tmp_path, "extended", budget, *kind)
    assert weights(extended.directory) == weights(replayed.directory)


@pytest.mark.parametrize("kind", [("objective=lagging",), ("objective=exact_bound", "model=binary")], ids=" ".join)
def test_what_is_not_recorded_trains_there_too(tmp_path: Path, kind: tuple[str, ...]) -> None:
    train(tmp_path, "other", "max_samples=3000", *kind)


def test_divergence_is_named_there_too(tmp_path: Path) -> None:
    arguments = (*SMALL, "name=wild", "max_samples=30000", "optimizer=sgd", "optimizer.lr=1e30")
    result = aevb("train", *arguments, folder=tmp_path)
    assert result.returncode == 2
    assert "training diverged at samples_seen=" in result.stderr
