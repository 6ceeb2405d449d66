"""The importance-sampled marginal likelihood over a split, with its effective sample size."""

from torch import Tensor

from aevb.estimators.importance import importance
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.ranges import PositiveInt

__all__ = ["Importance"]


class Importance(Evaluator):
    """aevb.estimators.importance per image: a stochastic lower bound of log p(x).

    samples: K. rows: latent samples decoded at once, which bounds the memory.
    """

    name = "importance"
    headline = "log_px"
    direction = "lower bound"

    def __init__(self, samples: PositiveInt = 50, rows: PositiveInt = 1000) -> None:
        self.samples, self.rows = samples, rows
        self.images = max(1, rows // samples)

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """log_px, effective_samples, monte_carlo_error; where K allows them pareto_k and rise."""
        values = importance(model, x, noise, self.samples, self.rows)._asdict()
        return {name: value for name, value in values.items() if not value.isnan().all()}

    @property
    def settings(self) -> dict[str, int | float | str]:
        """K."""
        return {"samples": self.samples}

    @property
    def suffix(self) -> str:
        """K is part of the estimate, so runs of different K are kept side by side."""
        return f"-k{self.samples}"
