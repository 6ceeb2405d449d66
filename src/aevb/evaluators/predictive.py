"""The posterior predictive density for the images of a split, for models with a q(theta)."""

from torch import Tensor

from aevb.errors import UserError
from aevb.estimators.predictive import predictive
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveInt

__all__ = ["Predictive"]


class Predictive(Evaluator):
    """The log posterior predictive density of each image (see `aevb.estimators.predictive`).

    All other evaluators use the network with the posterior mean of theta.

    Args:
        draws: Number of draws of theta, S.
        samples: Number of draws of z for each draw of theta, K.
        batch_size: Number of latent samples that are decoded at the same time.
    """

    name = "predictive"
    primary_value = "log_px"
    direction = "lower bound"
    needs_theta_posterior = True

    def __init__(self, draws: PositiveInt = 20, samples: PositiveInt = 50, batch_size: PositiveInt = 1000) -> None:
        self.draws, self.samples, self.batch_size = draws, samples, batch_size
        self.images = max(1, batch_size // samples)

    @property
    def needs_encoder(self) -> bool:
        """Whether the evaluator uses q(z|x), as the proposal of importance sampling."""
        return True

    def check(self, model: VAE) -> None:
        """Check that the model has a q(theta).

        Args:
            model: The model.

        Raises:
            UserError: If theta is a point.
        """
        super().check(model)
        if model.theta_posterior is None:
            raise UserError(
                "evaluator=predictive: theta of this model is a point; allowed: models with a q(theta), as objective=full_vb "
                "trains them; try: evaluator=importance"
            )

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Estimate the predictive density of each image.

        Args:
            model: The model.
            x: Images, (M, D).
            noise: The random stream of each image.

        Returns:
            log_px, mean_log_px and spread, each (M,), in nats.
        """
        return predictive(model, x, noise, self.draws, self.samples, self.batch_size)._asdict()

    @property
    def settings(self) -> dict[str, int | float | str]:
        """The numbers of draws S and K."""
        return {"draws": self.draws, "samples": self.samples}

    @property
    def suffix(self) -> str:
        """The part of the file name that keeps estimates with different S and K apart."""
        return f"-s{self.draws}-k{self.samples}"
