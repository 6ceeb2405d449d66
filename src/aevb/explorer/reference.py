r"""Values of the embedded images, computed in float64 by aevb itself, that the page's self-test compares with its own.

    kl     = KL(q(z|x) || p(z)), closed form (appendix B); for a mixture prior 1/L sum_l log q(z_l|x) - log p(z_l)
    elbo   = 1/L sum_l log p(x|z_l) - kl,  z_l = mu + sigma eps_l                       (eq. 7)
    is     = log 1/K sum_k p(x, z_k) / q(z_k|x), z_k = mu + sigma eps_k                 (Burda et al. 2016, eq. 7)
    log_px = quadrature over z (aevb.estimators.quadrature), for J = 2 only

eps are rows of one table that the page carries, so that both sides compute the same numbers.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from aevb.estimators.bound import BoundEstimate, kl_divergence
from aevb.estimators.quadrature import quadrature
from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["BOUND_SAMPLES", "IMPORTANCE_SAMPLES", "elbo", "importance", "noise_table", "reference"]

BOUND_SAMPLES = 16  # L
IMPORTANCE_SAMPLES = 50  # K of the self-test
ROWS = 1000  # of the table


def noise_table(latent_dim: int) -> Tensor:
    """Return the standard normals of the page, rounded to half precision.

    Args:
        latent_dim: J.

    Returns:
        The numbers, (1000, J), float64.
    """
    return Noise(0, "explorer", 0).normal((ROWS, latent_dim), torch.float32).half().double()


@torch.no_grad()
def elbo(model: VAE, x: Tensor, eps: Tensor) -> BoundEstimate:
    """Compute the lower bound of each image as the page does.

    Args:
        model: The model.
        x: Images, (n, D).
        eps: Standard normals, (L, J).

    Returns:
        The bound and its parts, (n,) each, nats.
    """
    qz_x = model.encoder(x)
    z = qz_x.mean + qz_x.scale * eps[:, None]
    reconstruction, kl = model.decoder(z).log_prob(x).mean(0), kl_divergence(qz_x, model.prior(), z)
    return BoundEstimate(reconstruction - kl, reconstruction, kl)


@torch.no_grad()
def importance(model: VAE, x: Tensor, eps: Tensor) -> Tensor:
    """Estimate log p(x) by importance sampling from q(z|x) as the page does.

    Args:
        model: The model.
        x: Images, (n, D).
        eps: Standard normals, (K, J).

    Returns:
        log p(x), (n,), nats.
    """
    qz_x = model.encoder(x)
    z = qz_x.mean + qz_x.scale * eps[:, None]
    log_w = model.log_joint(x, z) - qz_x.log_prob(z)
    return torch.logsumexp(log_w, 0) - torch.log(torch.tensor(float(len(eps))))


@torch.no_grad()
def reference(
    model: VAE, x: Tensor, eps: Tensor, quadrature_model: VAE | None, integrated: np.ndarray | None = None
) -> dict[str, Any]:
    """Compute the values that the page shows for some images, see the top of the module.

    Args:
        model: The trained model in float64.
        x: Images, (n, D), float64.
        eps: The table of `noise_table`.
        quadrature_model: The model to integrate over z, None to leave log p(x) out.
        integrated: The images whose log p(x) is computed, (n,) bool, the others have none; None: all.

    Returns:
        Lists by name: mean and log_var (n, J), kl, elbo, is and, with `quadrature_model`, log_px (n,), in nats.
    """
    qz_x, bound = model.encoder(x), elbo(model, x, eps[:BOUND_SAMPLES])
    values = {
        "mean": qz_x.mean,
        "log_var": qz_x.log_var,
        "kl": bound.kl,
        "elbo": bound.bound,
        "is": importance(model, x, eps[:IMPORTANCE_SAMPLES]),
    }
    if quadrature_model is not None:
        chosen = torch.ones(len(x), dtype=torch.bool) if integrated is None else torch.from_numpy(integrated)
        values["log_px"] = torch.full((len(x),), torch.nan, dtype=torch.float64)
        values["log_px"][chosen] = quadrature(quadrature_model, x[chosen], levels=6, tolerance=1e-3).log_px
    return {name: [_short(v) for v in value.tolist()] for name, value in values.items()}


def _short(value: Any) -> Any:
    if isinstance(value, list):
        return [_short(v) for v in value]
    return float(f"{value:.8g}") if value == value else None
