"""The importance-sampled marginal likelihood over a split, with its effective sample size."""

from torch import Tensor

from aevb.estimators.importance import importance
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import Fraction, NonNegativeInt, PositiveInt

__all__ = ["Importance"]


class Importance(Evaluator):
    """aevb.estimators.importance per image: a stochastic lower bound of log p(x).

    samples: K. batch_size: latent samples decoded at once, which bounds the memory. prior_share: of the draws from the prior
    instead of the encoder's q. annealed: draws of the posterior that q is laid around; 0: q as the encoder gives it.
    """

    name = "importance"
    primary_value = "log_px"
    direction = "lower bound"

    def __init__(
        self,
        samples: PositiveInt = 50,
        batch_size: PositiveInt = 1000,
        prior_share: Fraction = 0.0,
        annealed: NonNegativeInt = 0,
    ) -> None:
        self.samples, self.batch_size, self.prior_share, self.annealed = samples, batch_size, prior_share, annealed
        self.images = max(1, batch_size // (annealed or samples))

    @property
    def needs_encoder(self) -> bool:
        """Unless every draw is the prior's."""
        return self.annealed > 0 or self.prior_share < 1

    @property
    def latents(self) -> tuple[str, ...]:
        """Annealed chains start at normals."""
        return ("normal",) if self.annealed > 0 else super().latents

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """log_px, effective_samples, monte_carlo_error; where K allows them pareto_k and rise."""
        values = importance(model, x, noise, self.samples, self.batch_size, self.prior_share, self.annealed)._asdict()
        return {name: value for name, value in values.items() if not value.isnan().all()}

    @property
    def settings(self) -> dict[str, int | float | str]:
        """K, and what there is beside q."""
        beside = {"prior_share": self.prior_share, "annealed": self.annealed}
        return {"samples": self.samples, **{name: value for name, value in beside.items() if value}}

    @property
    def suffix(self) -> str:
        """K is part of the estimate, so runs of different K are kept side by side."""
        prior = f"-prior{self.prior_share:g}" if self.prior_share else ""
        return f"-k{self.samples}{prior}" + (f"-annealed{self.annealed}" if self.annealed else "")
