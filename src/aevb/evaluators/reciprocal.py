"""The paper's marginal likelihood estimator (appendix D) for the images of a split."""

from typing import Annotated, Any

from torch import Tensor

from aevb.estimators.reciprocal_identity import reciprocal
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import NonNegativeInt, PositiveInt, Range

__all__ = ["Reciprocal"]

LEAPFROGS, WARM_UP = 4, 50
"""The defaults that the names of files do not state."""
FEWEST = 5.0
"""Effective samples below which an estimate is not to be trusted: there the mean of models on digits was .6 nats too high and more."""


class Reciprocal(Evaluator):
    """A stochastic upper bound of log p(x) for each image, if the chains have found all modes.

    The estimator is in `aevb.estimators.reciprocal_identity` (appendix D of the paper).

    Args:
        samples: Number of draws of z per image, over all its chains, L; rounded up to a multiple of them.
        leapfrogs: Number of leapfrog steps per trajectory.
        chains: Number of chains per image.
        temperatures: Number of temperatures of the initial annealing; 0: no annealing, and the chains
            start at draws of q(z|x), or of the prior if the model has no encoder.
        warm_up_samples: Number of trajectories that adapt the step size.
        batch_size: Number of chains that are simulated at the same time; it limits the memory.
    """

    name = "reciprocal"
    primary_value = "log_px"
    direction = "upper bound"

    def __init__(
        self,
        samples: Annotated[int, Range(8)] = 50,
        leapfrogs: PositiveInt = LEAPFROGS,
        chains: PositiveInt = 10,
        temperatures: NonNegativeInt = 200,
        warm_up_samples: PositiveInt = WARM_UP,
        batch_size: PositiveInt = 1000,
    ) -> None:
        self.samples, self.leapfrogs, self.chains = samples, leapfrogs, chains
        self.temperatures, self.warm_up_samples = temperatures, warm_up_samples
        self.images = max(1, batch_size // chains)

    @property
    def latents(self) -> tuple[str, ...]:
        """The supported kinds of z (see `Evaluator.latents`): the trajectories need a smooth log p(z)."""
        return ("normal", "normal prior", "mixture")

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Estimate log p(x) of each image.

        Args:
            model: The model.
            x: Images, (M, D).
            noise: The random stream of each image.

        Returns:
            log_px (with a Gaussian density), log_px_kde, log_px_validated (nats), effective_samples,
            monte_carlo_error (nats) and acceptance, each (M,).
        """
        budget = self.samples, self.leapfrogs, self.chains, self.temperatures, self.warm_up_samples
        return reciprocal(model, x, noise, *budget)._asdict()

    def summary(self, model: VAE, x: Tensor, values: dict[str, Tensor]) -> dict[str, Any]:
        """State for how many images the estimate is unreliable.

        The estimate is unbiased for 1/p(x), so its error in log p(x) comes from the variance of the mean, which the effective
        sample size measures (Kong 1992). With one draw that counts, it is too high by up to millions of nats.

        Args:
            model: The model.
            x: All images of the split, (n, D).
            values: The values of all images by name, each (n,).

        Returns:
            effective_samples_threshold, share_below_threshold (the share of the images with fewer effective samples) and, if
            the share is not 0, a verdict.
        """
        reliable = values["effective_samples"] >= FEWEST  # not where it is nan, for lack of a finite density
        share = (~reliable).double().mean().item()
        numbers = {"effective_samples_threshold": FEWEST, "share_below_threshold": share}
        if share == 0:
            return numbers
        verdict = (
            f"the effective sample size is below {FEWEST:g} for {100 * share:.3g} % of the images; their log p(x) may be far too "
            f"high; try: evaluator.reciprocal.samples={4 * self.samples}"
        )
        return {**numbers, "verdict": verdict}

    @property
    def settings(self) -> dict[str, int | float | str]:
        """All settings except batch_size."""
        counts = {"samples": self.samples, "leapfrogs": self.leapfrogs, "chains": self.chains}
        return {**counts, "temperatures": self.temperatures, "warm_up_samples": self.warm_up_samples}

    @property
    def suffix(self) -> str:
        """The part of the file name that keeps estimates with different settings apart."""
        leapfrogs = "" if self.leapfrogs == LEAPFROGS else f"-l{self.leapfrogs}"
        warm_up = "" if self.warm_up_samples == WARM_UP else f"-w{self.warm_up_samples}"
        return f"-s{self.samples}-c{self.chains}-t{self.temperatures}{leapfrogs}{warm_up}"
