"""Lightning as its documentation writes it today ("Lightning in 15 minutes"): MNIST of torchvision with ToTensor, x.view, self.log.

The steps of the documentation stand in one LightningModule, with the network, loss and Adagrad of the specification in the place
of its two-layer example and Adam. Unlike `textbook`, whose images are in one tensor, every image goes through torchvision.
"""

import logging
import tempfile
import warnings

import lightning as L
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from benchmarks.benchmark_model import BenchmarkModel
from benchmarks.gate import Gate
from benchmarks.rivals.examples import images
from benchmarks.rivals.textbook import LitVAE, Turns

__all__ = ["loop"]


class LabelledVAE(LitVAE):
    """Takes minibatches of images and labels."""

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:  # type: ignore[override]
        x, _ = batch
        return super().training_step((x.view(x.size(0), -1),), batch_idx)


def loop(spec: BenchmarkModel, gate: Gate) -> None:
    """Train until the gate closes."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    dataset = spec.dataset()
    train = dataset.load().train
    data = images((train.x * 255).round().astype(np.uint8).reshape(-1, *dataset.shape), train.label)
    torch.manual_seed(spec.seed)
    model = LabelledVAE(dataset.dim, spec.hidden_dim, spec.latent_dim, spec.lr)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="aevb-benchmark-") as folder:
        warnings.simplefilter("ignore")  # advice to take worker processes, which are slower here
        trainer = L.Trainer(accelerator="cpu", max_epochs=-1, default_root_dir=folder, callbacks=[Turns(gate)])
        trainer.fit(model, DataLoader(data, batch_size=spec.batch_size, shuffle=True))
