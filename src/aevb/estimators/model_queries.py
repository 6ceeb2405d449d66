"""What the estimators ask of a model beside its three distributions."""

from typing import Any

from torch import Tensor

from aevb.models.vae import VAE

__all__ = ["latent_dim", "log_px_z_of_all", "prior_of"]


def latent_dim(model: VAE) -> int:
    """J."""
    return model.prior().mean.shape[-1]


def log_px_z_of_all(model: VAE, x: Tensor, z: Tensor) -> Tensor:
    """log p(x_m | z_g) for every pair, (G, M), of x (M, D) and z (G, J).

    One matrix product where the decoder's distribution knows how; else every pair by itself.
    """
    px_z = model.decoder(z)
    if hasattr(px_z, "log_prob_of_all"):
        return px_z.log_prob_of_all(x)
    return model.decoder(z[:, None]).log_prob(x)


def prior_of(model: VAE, x: Tensor) -> Any:
    """p(z) once for every row of x (M, D), over (M, J); draws take each row's own noise."""
    return model.prior().rows(len(x))
