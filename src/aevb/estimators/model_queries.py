r"""Properties of a model that several estimators need."""

from typing import Any

import torch
from torch import Tensor

from aevb.models.vae import VAE

__all__ = ["latent_dim", "log_px_z_of_all", "prior_of"]


def latent_dim(model: VAE) -> int:
    """Return the number of latent dimensions of a model, J.

    Args:
        model: The model.

    Returns:
        J.
    """
    return model.prior().mean.shape[-1]


def log_px_z_of_all(model: VAE, x: Tensor, z: Tensor) -> Tensor:
    """Return log p(x_m | z_g) for every pair of an image and a latent vector.

    This is one matrix product if the decoder's distribution has `log_prob_of_all`; otherwise every pair
    is evaluated separately.

    Args:
        model: The model.
        x: Images, (M, D).
        z: Latent vectors, (G, J).

    Returns:
        log p(x_m | z_g), (G, M), nats.
    """
    if model.conditional:
        return _of_all_labels(model, x, z)
    px_z = model.decoder(z)
    if hasattr(px_z, "log_prob_of_all"):
        return px_z.log_prob_of_all(x)
    return model.decoder(z[:, None]).log_prob(x)


def _of_all_labels(model: VAE, x: Tensor, z: Tensor) -> Tensor:
    # The images of a label share p(x|z, y) at all z, so each label is one matrix product.
    pixels, y = model.split(x)
    if not hasattr(model.decode(z[:1], x[:1]), "log_prob_of_all"):
        return model.decoder(z[:, None]).log_prob(x)
    labels = y.unique(dim=0)
    members = [(y == label).all(-1).nonzero()[:, 0] for label in labels]
    parts = [
        model.decoder(z).for_labels(label).log_prob_of_all(pixels[rows])
        for label, rows in zip(labels, members, strict=True)
    ]
    return torch.cat(parts, 1)[:, torch.cat(members).argsort()]


def prior_of(model: VAE, x: Tensor) -> Any:
    """Return the prior p(z) repeated for every image, so that each image draws its own noise.

    Args:
        model: The model.
        x: Images, (M, D).

    Returns:
        p(z) over (M, J).
    """
    return model.prior().rows(len(x))
