"""As in pytorch/examples, vae/main.py: a data set of images, a DataLoader, the sigmoid in the model, loss.item() at every step.

Sizes, tanh and Adagrad are those of the specification. The data set is torchvision's MNIST with ToTensor, which go through every image
by itself. The loss is the sum over the minibatch, as there.
"""

import struct
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from benchmarks.benchmark_model import BenchmarkModel
from benchmarks.gate import Gate

__all__ = ["VAE", "images", "loop", "loss_function"]

LOG_INTERVAL = 10


def images(data: np.ndarray, targets: np.ndarray) -> datasets.MNIST:
    """torchvision's MNIST with its ToTensor, on any images.

    Args:
        data: Bytes, (N, rows, columns).
        targets: The classes, (N,).

    Returns:
        The training set as the example has it: read from the files of MNIST, which are made here.
    """
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "MNIST" / "raw"
        raw.mkdir(parents=True)
        for part, count in (("train", len(data)), ("t10k", 1)):
            for name, values in (("images-idx3", data[:count]), ("labels-idx1", targets[:count])):
                header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
                (raw / f"{part}-{name}-ubyte").write_bytes(header + values.astype(np.uint8).tobytes())
        return datasets.MNIST(folder, train=True, transform=transforms.ToTensor())


class VAE(nn.Module):
    """The names are those of the example."""

    def __init__(self, data_dim: int, hidden_dim: int, latent_dim: int) -> None:
        super().__init__()
        self.data_dim = data_dim
        self.fc1 = nn.Linear(data_dim, hidden_dim)
        self.fc21 = nn.Linear(hidden_dim, latent_dim)
        self.fc22 = nn.Linear(hidden_dim, latent_dim)
        self.fc3 = nn.Linear(latent_dim, hidden_dim)
        self.fc4 = nn.Linear(hidden_dim, data_dim)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h1 = torch.tanh(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu: Tensor, logvar: Tensor) -> Tensor:
        std = torch.exp(0.5 * logvar)
        return mu + torch.randn_like(std) * std

    def decode(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.fc4(torch.tanh(self.fc3(z))))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.encode(x.view(-1, self.data_dim))
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar


def loss_function(recon_x: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """Summed over the minibatch."""
    bce = F.binary_cross_entropy(recon_x, x.view(-1, recon_x.shape[1]), reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return bce + kld


def loop(spec: BenchmarkModel, gate: Gate) -> None:
    """Train until the gate closes."""
    dataset = spec.dataset()
    train = dataset.load().train
    train_set = images((train.x * 255).round().astype(np.uint8).reshape(-1, *dataset.shape), train.label)
    torch.manual_seed(spec.seed)
    loader = DataLoader(train_set, batch_size=spec.batch_size, shuffle=True)
    device = torch.device("cpu")
    model = VAE(dataset.dim, spec.hidden_dim, spec.latent_dim).to(device)
    optimizer = optim.Adagrad(model.parameters(), lr=spec.lr)
    gate.open()
    epoch = 0
    while True:
        epoch += 1
        train_loss = 0.0
        for batch_idx, (data, _) in enumerate(loader):
            data = data.to(device)
            optimizer.zero_grad()
            recon_batch, mu, logvar = model(data)
            loss = loss_function(recon_batch, data, mu, logvar)
            loss.backward()
            train_loss += loss.item()
            optimizer.step()
            if batch_idx % LOG_INTERVAL == 0:
                done = batch_idx * len(data)
                print(f"Train Epoch: {epoch} [{done}/{len(train_set)}]\tLoss: {loss.item() / len(data):.6f}")
            gate()
        print(f"====> Epoch: {epoch} Average loss: {train_loss / len(train_set):.4f}")
