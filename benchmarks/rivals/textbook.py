"""Lightning as its documentation begins: a LightningModule with training_step, self.log, a DataLoader over a TensorDataset, and
everything else as Lightning has it (TensorBoard, bar, a checkpoint after each epoch).
"""

import logging
import tempfile
import warnings

import lightning as L
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.benchmark_model import BenchmarkModel
from benchmarks.gate import Gate
from benchmarks.rivals.eager import VAE

__all__ = ["LitVAE", "loop"]


class LitVAE(L.LightningModule):
    """The same network and loss as the plain loop's."""

    def __init__(self, data_dim: int, hidden_dim: int, latent_dim: int, lr: float) -> None:
        super().__init__()
        self.vae, self.lr = VAE(data_dim, hidden_dim, latent_dim), lr

    def training_step(self, batch: tuple[Tensor], batch_idx: int) -> Tensor:
        (x,) = batch
        loss = self.vae(x)
        self.log("train_loss", loss, prog_bar=True)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adagrad(self.parameters(), lr=self.lr)


class Turns(L.Callback):
    """The gate after every step."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self.gate.open()

    def on_train_batch_end(self, *_: object) -> None:
        self.gate()


def loop(spec: BenchmarkModel, gate: Gate) -> None:
    """Train until the gate closes."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    torch.manual_seed(spec.seed)
    x = torch.from_numpy(spec.train().copy())
    loader = DataLoader(TensorDataset(x), batch_size=spec.batch_size, shuffle=True)
    model = LitVAE(x.shape[1], spec.hidden_dim, spec.latent_dim, spec.lr)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="aevb-benchmark-") as folder:
        warnings.simplefilter("ignore")  # advice to take worker processes, which are slower here
        trainer = L.Trainer(accelerator="cpu", max_epochs=-1, logger=TensorBoardLogger(folder), callbacks=[Turns(gate)])
        trainer.fit(model, loader)
