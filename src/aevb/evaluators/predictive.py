"""The posterior predictive density over a split, of models that carry a q(theta)."""

from torch import Tensor

from aevb.errors import UserError
from aevb.estimators.predictive import predictive
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveInt

__all__ = ["Predictive"]


class Predictive(Evaluator):
    """aevb.estimators.predictive per image; every other evaluator sees the network of the posterior mean.

    draws: S, of theta. samples: K, of z for each. batch_size: latent samples decoded at once.
    """

    name = "predictive"
    primary_value = "log_px"
    direction = "lower bound"

    def __init__(self, draws: PositiveInt = 20, samples: PositiveInt = 50, batch_size: PositiveInt = 1000) -> None:
        self.draws, self.samples, self.batch_size = draws, samples, batch_size
        self.images = max(1, batch_size // samples)

    @property
    def needs_encoder(self) -> bool:
        """For the importance sampling."""
        return True

    def check(self, model: VAE) -> None:
        """A model with a q(theta)."""
        super().check(model)
        if model.theta_posterior is None:
            raise UserError(
                "evaluator=predictive: theta of this model is a point; allowed: models with a q(theta), as objective=full_vb "
                "trains them; try: evaluator=importance"
            )

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """log_px, mean_log_px, spread."""
        return predictive(model, x, noise, self.draws, self.samples, self.batch_size)._asdict()

    @property
    def settings(self) -> dict[str, int | float | str]:
        """S and K."""
        return {"draws": self.draws, "samples": self.samples}

    @property
    def suffix(self) -> str:
        """Both are part of the estimate."""
        return f"-s{self.draws}-k{self.samples}"
