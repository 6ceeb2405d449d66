"""A plain loop in torch by somebody who knows it: images in one tensor, logits into the loss, fused Adagrad, no .item()."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.benchmark_model import BenchmarkModel
from benchmarks.gate import Gate

__all__ = ["VAE", "loop"]


class VAE(nn.Module):
    """x (M, D) -> the mean loss of the minibatch."""

    def __init__(self, data_dim: int, hidden_dim: int, latent_dim: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(data_dim, hidden_dim), nn.Tanh(), nn.Linear(hidden_dim, 2 * latent_dim))
        self.decoder = nn.Sequential(nn.Linear(latent_dim, hidden_dim), nn.Tanh(), nn.Linear(hidden_dim, data_dim))

    def forward(self, x: Tensor) -> Tensor:
        mean, log_var = self.encoder(x).chunk(2, dim=1)
        z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        nll = F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        kl = 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum()
        return (nll + kl) / len(x)


def loop(spec: BenchmarkModel, gate: Gate) -> None:
    """Train until the gate closes; on the GPU where torch has one and this process may see it."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(spec.seed)
    x = torch.from_numpy(spec.train().copy()).to(device)
    model = VAE(x.shape[1], spec.hidden_dim, spec.latent_dim).to(device)
    optimizer = torch.optim.Adagrad(model.parameters(), lr=spec.lr, fused=device.type == "cpu")
    total = torch.zeros((), device=device)
    if device.type == "cuda":
        gate.settle = torch.cuda.synchronize
    gate.open()
    while True:
        for index in torch.randperm(len(x), device=device).split(spec.batch_size):
            optimizer.zero_grad()
            loss = model(x[index])
            loss.backward()
            optimizer.step()
            total += loss.detach()
            gate()
