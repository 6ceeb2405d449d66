"""Networks of a user's own may draw from torch's global generator: a run stays a function of its config, resumed or not."""

from pathlib import Path

import numpy as np
import pytest
import torch

import aevb
from aevb.nn.torch_settings import generator_states, restore_generators, undisturbed_generators
from helpers.python_runs import SMALL

CPU = torch.device("cpu")
SOURCE = """
from torch import Tensor, nn
from aevb.distributions import DiagonalNormal
from aevb.models.base import Encoder
from aevb.types import PositiveInt


class Noisy(Encoder):
    def __init__(self, data_dim: int, latent_dim: PositiveInt) -> None:
        super().__init__()
        layers = nn.Linear(data_dim, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2 * latent_dim)
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> DiagonalNormal:
        return DiagonalNormal(*self.layers(x).chunk(2, -1))
"""
NOISY = (
    "model.encoder._target_=noisy_encoder.Noisy",
    "~model.encoder.hidden_dim",
    "~model.encoder.activation",
    "model.initialization=null",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "noisy_encoder.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def trained(name: str, **settings: object) -> dict[str, np.ndarray]:
    """The weights of a run with batch normalisation, dropout and torch's own initial values."""
    arguments = {**SMALL, "batch_size": 20, "name": name, **settings}
    run = aevb.train(*NOISY, **arguments, trusted="noisy_encoder", progress=False)
    saved = run.evaluate("bound", output_dir="again", seed=run.config.seed)  # with the weights in model.pt
    assert saved.mean == run.metrics()["test_bound"].iloc[-1]
    return {key: value.numpy() for key, value in torch.load(run.directory / "model.pt", weights_only=True).items()}


def equal(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(one[key], other[key]) for key in one)


def test_the_same_config_gives_the_same_bits_whatever_was_drawn_before(folder: Path) -> None:
    whole = trained("whole")
    torch.manual_seed(123)
    assert equal(trained("again"), whole)
    assert not equal(trained("other", seed=1), whole)
    before = torch.get_rng_state()
    trained("once_more", max_samples=100)
    assert torch.equal(torch.get_rng_state(), before)


def test_an_extended_run_draws_what_the_uninterrupted_one_draws(folder: Path) -> None:
    trained("parts", max_samples=140)
    assert equal(trained("parts"), trained("whole"))


def test_a_logger_and_evaluation_points_change_nothing(folder: Path) -> None:
    """TensorBoard's pictures pass images through the encoder, which would move the means of batch normalisation."""
    assert equal(trained("drawn", logger="tensorboard"), trained("whole"))
    assert equal(trained("seldom", **{"evaluation.start": 300}), trained("whole"))


def test_the_seed_of_the_model_is_that_of_its_first_weights(folder: Path) -> None:
    first = {"max_samples": 20, "optimizer.lr": 1e-12}
    one, other = trained("one", **first), trained("other", seed=1, **first, **{"model.seed": 0})
    assert np.allclose(one["encoder.layers.0.weight"], other["encoder.layers.0.weight"], rtol=0, atol=1e-9)
    assert not np.allclose(trained("third", seed=1, **first)["encoder.layers.0.weight"], one["encoder.layers.0.weight"])


def test_states_are_restored() -> None:
    with torch.random.fork_rng(devices=[]):
        states = generator_states(CPU)
        expected = torch.rand(3)
        with undisturbed_generators(CPU):
            torch.rand(5)
        following = torch.rand(3)
        restore_generators(states, CPU)
        assert torch.equal(torch.rand(6), torch.cat([expected, following]))
