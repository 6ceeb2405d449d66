"""The lower bound at the best q of each image, over a split: no encoder is asked."""

from torch import Tensor

from aevb.estimators.model_queries import latent_dim
from aevb.estimators.per_image_posterior import Fitting, bound_at, fit
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import NonNegativeFloat, PositiveFloat, PositiveInt

__all__ = ["FittedBound"]


class FittedBound(Evaluator):
    """aevb.estimators.per_image_posterior per image, from N(0, I) or Bernoulli(1/2): what variational EM makes of unseen images, and
    of a model that has an encoder the bound without its amortisation gap.

    samples, tolerance, max_steps, lr: of the fit. Its end is measured with `samples` other draws, or exactly. batch_size: images in a block,
    whose mean bound tells when it ends.
    """

    name = "fitted_bound"
    primary_value = "bound"
    direction = "lower bound"

    def __init__(
        self,
        samples: PositiveInt = 10,
        tolerance: NonNegativeFloat = 0.01,
        max_steps: PositiveInt = 100,
        lr: PositiveFloat = 0.1,
        batch_size: PositiveInt = 100,
    ) -> None:
        self.how, self.images = Fitting(samples, tolerance, max_steps, lr), batch_size

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """bound, reconstruction, kl, steps."""
        phi = x.new_zeros(len(x), 2, latent_dim(model))
        fitted = fit(model, x, phi, noise, self.how)
        reconstruction, kl = (value.detach() for value in bound_at(model, x, fitted.phi, noise, self.how.samples))
        steps = x.new_full((len(x),), fitted.steps)
        return {"bound": reconstruction - kl, "reconstruction": reconstruction, "kl": kl, "steps": steps}

    @property
    def settings(self) -> dict[str, int | float | str]:
        """Of the fit, and the block that ends it together."""
        return {**self.how._asdict(), "batch_size": self.images}
