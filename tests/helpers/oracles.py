"""Models whose answers are known in closed form, in float64."""

import math

import torch
from torch import Tensor, nn

from aevb.distributions import DiagonalNormal
from aevb.models.linear import LinearGaussianDecoder, LinearGaussianEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE

D, J = 5, 2


def linear_gaussian(seed: int = 0, *, exact_posterior: bool = False) -> VAE:
    """A random probabilistic PCA model of D pixels and J latents.

    exact_posterior: W has orthogonal columns, and q(z|x) is the exact posterior; otherwise q is arbitrary.
    """
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    encoder, decoder = LinearGaussianEncoder(D, J).double(), LinearGaussianDecoder(D, J).double()
    weight, bias, log_var = normal(D, J), normal(D), torch.tensor([-0.7], dtype=torch.float64)
    if exact_posterior:
        weight = torch.linalg.qr(weight).Q * torch.tensor([1.5, 0.8], dtype=torch.float64)
    fill(decoder.mean.weight, weight)
    fill(decoder.mean.bias, bias)
    fill(decoder.log_var, log_var)

    if exact_posterior:
        precision = weight.T @ weight / log_var.exp() + torch.eye(J, dtype=torch.float64)
        gain = torch.linalg.solve(precision, weight.T / log_var.exp())
        fill(encoder.mean.weight, gain)
        fill(encoder.mean.bias, -gain @ bias)
        fill(encoder.log_var, -precision.diagonal().log())
    else:
        fill(encoder.mean.weight, 0.3 * normal(J, D))
        fill(encoder.mean.bias, 0.3 * normal(J))
        fill(encoder.log_var, torch.tensor([-0.5, -1.0], dtype=torch.float64))
    return VAE(encoder, decoder, StandardNormal(J).double())


def fill(parameter: Tensor, value: Tensor) -> None:
    with torch.no_grad():
        parameter.copy_(value)


def data(n: int = 7, seed: int = 1) -> Tensor:
    """Rows to evaluate at; any will do."""
    return torch.randn((n, D), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def exact_bound(model: VAE, x: Tensor) -> Tensor:
    """E_q[log p(x, z) - log q(z|x)] of the linear-Gaussian model, by algebra alone, (n,).

    E_q |x - W z - b|^2 = |x - W m - b|^2 + tr(W V W'), and both KL terms are those of Gaussians.
    """
    weight, bias = model.decoder.mean.weight, model.decoder.mean.bias
    m, v = x @ model.encoder.mean.weight.T + model.encoder.mean.bias, model.encoder.log_var.exp()
    s2 = model.decoder.log_var.exp()
    residual = ((x - m @ weight.T - bias) ** 2).sum(1) + (weight**2 @ v).sum()
    log_px_z = -0.5 * (D * torch.log(2 * math.pi * s2) + residual / s2)
    kl = 0.5 * (m**2 + v - 1 - v.log()).sum(1)
    return log_px_z - kl


class Square(nn.Module):
    """p(x|z) = N(z_1^2, s^2) for every pixel: two modes, at +- sqrt x, and two more dimensions that nothing is told about."""

    def __init__(self, noise: float) -> None:
        super().__init__()
        self.noise = nn.Parameter(torch.tensor(noise).double())

    def forward(self, z: Tensor) -> DiagonalNormal:
        mean = z[..., :1] ** 2
        return DiagonalNormal(mean, (2 * self.noise.log()).expand_as(mean))
