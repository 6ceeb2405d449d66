"""The lower bound with the best q(z) for each image of a split. The encoder is not used."""

from torch import Tensor

from aevb.distributions import Bernoulli, DiagonalNormal
from aevb.errors import UserError
from aevb.estimators.model_queries import latent_dim
from aevb.estimators.per_image_posterior import Fitting, bound_at, fit
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import NonNegativeFloat, PositiveFloat, PositiveInt

__all__ = ["FittedBound"]


class FittedBound(Evaluator):
    """The lower bound after q(z) is fitted to each image (see `aevb.estimators.per_image_posterior`).

    The fit starts from N(0, I) or Bernoulli(1/2). The result is the bound of variational EM on unseen
    images. For a model with an encoder it is the bound without the amortisation gap.

    Args:
        samples: Number of draws of z per step of the fit. The final bound is estimated with the same
            number of new draws, or is exact.
        tolerance: Improvement of the mean bound of the block below which the fit ends, nats; 0: the fit
            takes max_steps steps.
        max_steps: Largest number of steps of the fit.
        lr: Learning rate of the fit.
        batch_size: Number of images per block.
    """

    name = "fitted_bound"
    primary_value = "bound"
    direction = "lower bound"
    needs_simple_prior = True

    def __init__(
        self,
        samples: PositiveInt = 10,
        tolerance: NonNegativeFloat = 0.01,
        max_steps: PositiveInt = 100,
        lr: PositiveFloat = 0.1,
        batch_size: PositiveInt = 100,
    ) -> None:
        self.how, self.images = Fitting(samples, tolerance, max_steps, lr), batch_size

    def check(self, model: VAE) -> None:
        """Check that p(z) is normal or Bernoulli, to which KL(q || p) of the fitted q has a closed form.

        Args:
            model: The model.

        Raises:
            UserError: If p(z) is of another family.
        """
        super().check(model)
        prior = model.prior()
        if not isinstance(prior, DiagonalNormal | Bernoulli):
            raise UserError(
                f"evaluator=fitted_bound: p(z) is a {getattr(prior, 'family', type(prior).__name__)}, and a normal q(z) is "
                "fitted, whose KL divergence from it has no closed form; allowed: a normal or Bernoulli p(z); "
                "try: evaluator=importance"
            )

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Fit q(z) to each image and estimate the lower bound.

        Args:
            model: The model.
            x: Images, (M, D).
            noise: The random stream of each image.

        Returns:
            bound, reconstruction, kl (nats) and steps (the number of steps of the fit), each (M,).
        """
        phi = x.new_zeros(len(x), 2, latent_dim(model))
        fitted = fit(model, x, phi, noise, self.how)
        reconstruction, kl = (value.detach() for value in bound_at(model, x, fitted.phi, noise, self.how.samples))
        steps = x.new_full((len(x),), fitted.steps)
        return {"bound": reconstruction - kl, "reconstruction": reconstruction, "kl": kl, "steps": steps}

    @property
    def settings(self) -> dict[str, int | float | str]:
        """The settings of the fit, and batch_size, because all images of a block end their fit together."""
        return {**self.how._asdict(), "batch_size": self.images}
