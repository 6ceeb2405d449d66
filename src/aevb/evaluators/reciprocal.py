"""The paper's marginal likelihood estimator (appendix D) over a split."""

from typing import Annotated

from torch import Tensor

from aevb.estimators.reciprocal_identity import reciprocal
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import NonNegativeInt, PositiveInt, Range

__all__ = ["Reciprocal"]


class Reciprocal(Evaluator):
    """aevb.estimators.reciprocal_identity per image: a stochastic upper bound of log p(x), if the chains have found all modes.

    samples: L. leapfrogs: of a trajectory. chains: an image. temperatures: of the annealing before, 0: none, from the
    encoder's q, or from the prior where there is none. warm_up_samples: trajectories that adapt the learning rate. batch_size: chains
    moved at once, which bounds the memory.
    """

    name = "reciprocal"
    primary_value = "log_px"
    direction = "upper bound"

    def __init__(
        self,
        samples: Annotated[int, Range(8)] = 50,
        leapfrogs: PositiveInt = 4,
        chains: PositiveInt = 10,
        temperatures: NonNegativeInt = 200,
        warm_up_samples: PositiveInt = 50,
        batch_size: PositiveInt = 1000,
    ) -> None:
        self.samples, self.leapfrogs, self.chains = samples, leapfrogs, chains
        self.temperatures, self.warm_up_samples = temperatures, warm_up_samples
        self.images = max(1, batch_size // chains)

    @property
    def latents(self) -> tuple[str, ...]:
        """Its trajectories start at normals."""
        return ("normal",)

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """log_px (Gaussian density), log_px_kde, log_px_validated, effective_samples, monte_carlo_error, acceptance."""
        budget = self.samples, self.leapfrogs, self.chains, self.temperatures, self.warm_up_samples
        return reciprocal(model, x, noise, *budget)._asdict()

    @property
    def settings(self) -> dict[str, int | float | str]:
        """Everything but the blocks."""
        counts = {"samples": self.samples, "leapfrogs": self.leapfrogs, "chains": self.chains}
        return {**counts, "temperatures": self.temperatures, "warm_up_samples": self.warm_up_samples}

    @property
    def suffix(self) -> str:
        """Estimates of different budgets are kept side by side."""
        return f"-s{self.samples}-c{self.chains}-t{self.temperatures}"
