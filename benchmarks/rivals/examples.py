"""As in pytorch/examples, vae/main.py: a data set of images, a DataLoader, the sigmoid in the model, loss.item() at every step.

Sizes, tanh and Adagrad are those of the specification. torchvision is not needed: what its MNIST and ToTensor do with every single image is
done here step by step, through PIL as there. The loss is the sum over the minibatch, as there.
"""

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn, optim
from torch.utils.data import DataLoader, Dataset

from benchmarks.benchmark_model import BenchmarkModel
from benchmarks.gate import Gate

__all__ = ["VAE", "Images", "loop", "loss_function"]

LOG_INTERVAL = 10


class Images(Dataset[tuple[Tensor, int]]):
    """torchvision.datasets.MNIST(transform=ToTensor()): from bytes (N, rows, columns) one image of floats at a time."""

    def __init__(self, data: Tensor, targets: Tensor) -> None:
        self.data, self.targets = data, targets

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        img, target = self.data[index], int(self.targets[index])
        return _to_tensor(Image.fromarray(img.numpy(), mode="L")), target


def _to_tensor(pic: Image.Image) -> Tensor:
    img = torch.from_numpy(np.array(pic, np.uint8, copy=True))
    img = img.view(pic.size[1], pic.size[0], len(pic.getbands()))
    img = img.permute((2, 0, 1)).contiguous()
    return img.to(dtype=torch.get_default_dtype()).div(255)


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
    images = torch.from_numpy((train.x * 255).round().astype(np.uint8)).view(-1, *dataset.shape)
    torch.manual_seed(spec.seed)
    loader = DataLoader(Images(images, torch.from_numpy(train.label)), batch_size=spec.batch_size, shuffle=True)
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
                print(f"Train Epoch: {epoch} [{done}/{len(images)}]\tLoss: {loss.item() / len(data):.6f}")
            gate()
        print(f"====> Epoch: {epoch} Average loss: {train_loss / len(images):.4f}")
