"""The exact log p(x) of models with few binary latent variables, over a split."""

from torch import Tensor

from aevb.distributions import Bernoulli
from aevb.errors import UserError
from aevb.estimators.enumeration import MAX_LATENT_DIM, enumeration
from aevb.estimators.model_queries import latent_dim
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveInt

__all__ = ["Enumeration"]


class Enumeration(Evaluator):
    """aevb.estimators.enumeration per image: log p(x) and the lower bound, without any sampling error. batch_size: images in a block."""

    name = "enumeration"
    primary_value = "log_px"
    direction = "exact"

    def __init__(self, batch_size: PositiveInt = 1000) -> None:
        self.images = batch_size

    def check(self, model: VAE) -> None:
        """A Bernoulli prior over at most twelve variables."""
        super().check(model)
        prior = model.prior()
        if not isinstance(prior, Bernoulli) or latent_dim(model) > MAX_LATENT_DIM:
            raise UserError(
                f"evaluator=enumeration: {type(prior).__name__} prior over latent_dim={latent_dim(model)}; allowed: a "
                f"Bernoulli prior over at most {MAX_LATENT_DIM}; try: 'evaluator=[importance,quadrature]'"
            )

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """log_px; of a model with a q(z|x) the bound."""
        estimate = enumeration(model, x)
        return {"log_px": estimate.log_px, **({"bound": estimate.bound} if model.has_encoder else {})}

    @property
    def settings(self) -> dict[str, int | float | str]:
        """None: it is a sum."""
        return {}
