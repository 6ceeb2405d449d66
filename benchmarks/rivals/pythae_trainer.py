"""pythae's VAE under its BaseTrainer, as its documentation begins: a configuration, a data set, trainer.train().

The network and Adagrad are those of the specification. Everything else is pythae's: its DataLoader, its loss on probabilities,
loss.item() at every step, a copy of the model after every epoch.
"""

import logging
import tempfile

import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback
from torch import Tensor, nn

from benchmarks.benchmark_model import BenchmarkModel
from benchmarks.gate import Gate

__all__ = ["loop"]


class Encoder(BaseEncoder):
    """x (M, D) -> mean and log-variance of q(z|x)."""

    def __init__(self, data_dim: int, hidden_dim: int, latent_dim: int) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(data_dim, hidden_dim), nn.Tanh())
        self.embedding = nn.Linear(hidden_dim, latent_dim)
        self.log_var = nn.Linear(hidden_dim, latent_dim)

    def forward(self, x: Tensor) -> ModelOutput:
        hidden = self.hidden(x)
        return ModelOutput(embedding=self.embedding(hidden), log_covariance=self.log_var(hidden))


class Decoder(BaseDecoder):
    """z (M, J) -> probabilities of the pixels."""

    def __init__(self, data_dim: int, hidden_dim: int, latent_dim: int) -> None:
        super().__init__()
        parts = nn.Linear(latent_dim, hidden_dim), nn.Tanh(), nn.Linear(hidden_dim, data_dim), nn.Sigmoid()
        self.layers = nn.Sequential(*parts)

    def forward(self, z: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.layers(z))


class Turns(TrainingCallback):
    """The gate after every step."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    def on_train_begin(self, *_: object, **__: object) -> None:
        self.gate.open()

    def on_train_step_end(self, *_: object, **__: object) -> None:
        self.gate()


def loop(spec: BenchmarkModel, gate: Gate) -> None:
    """Train until the gate closes."""
    logging.disable(logging.INFO)
    x = torch.from_numpy(spec.train().copy())
    torch.manual_seed(spec.seed)
    sizes = x.shape[1], spec.hidden_dim, spec.latent_dim
    settings = VAEConfig(input_dim=(x.shape[1],), latent_dim=spec.latent_dim, reconstruction_loss="bce")
    model = VAE(settings, encoder=Encoder(*sizes), decoder=Decoder(*sizes))
    with tempfile.TemporaryDirectory(prefix="aevb-benchmark-") as folder:
        chosen = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=10**6,
            per_device_train_batch_size=spec.batch_size,
            learning_rate=spec.lr,
            optimizer_cls="Adagrad",
            seed=spec.seed,
            no_cuda=True,
        )
        data = BaseDataset(x, torch.zeros(len(x)))
        BaseTrainer(model, data, training_config=chosen, callbacks=[Turns(gate)]).train()
