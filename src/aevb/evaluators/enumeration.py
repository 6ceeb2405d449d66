"""The exact log p(x) for the images of a split, for models with few binary latent variables."""

from torch import Tensor

from aevb.distributions import Bernoulli
from aevb.estimators.enumeration import MAX_LATENT_DIM, enumeration
from aevb.estimators.model_queries import latent_dim
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveInt

__all__ = ["Enumeration"]


class Enumeration(Evaluator):
    """The exact log p(x) and the exact lower bound for each image (see `aevb.estimators.enumeration`).

    The values are sums over all states of z and have no sampling error.

    Args:
        batch_size: Number of images per block.
    """

    name = "enumeration"
    primary_value = "log_px"
    direction = "exact"
    binary_only = True
    max_latent_dim = 12

    def __init__(self, batch_size: PositiveInt = 1000) -> None:
        self.images = batch_size

    def unsupported(self, model: VAE) -> tuple[str, tuple[str, ...]] | None:
        """Return why a model is not supported: its prior must be Bernoulli, over at most MAX_LATENT_DIM variables.

        Args:
            model: The model.
        """
        prior = model.prior()
        if isinstance(prior, Bernoulli) and latent_dim(model) <= MAX_LATENT_DIM:
            return super().unsupported(model)
        reason = f"{type(prior).__name__} prior over latent_dim={latent_dim(model)}"
        return f"{reason}, and a Bernoulli prior over at most {MAX_LATENT_DIM} is summed", ("importance", "quadrature")

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Compute log p(x) of each image.

        Args:
            model: The model.
            x: Images, (M, D).
            noise: The random stream of each image.

        Returns:
            log_px, and the bound if the model has an encoder, each (M,), in nats.
        """
        estimate = enumeration(model, x)
        return {"log_px": estimate.log_px, **({"bound": estimate.bound} if model.has_encoder else {})}

    @property
    def settings(self) -> dict[str, int | float | str]:
        """The empty dictionary: the exact sum has no settings."""
        return {}
