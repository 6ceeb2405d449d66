"""Annealed importance sampling of log p(x) over a split."""

from torch import Tensor

from aevb.estimators.ais import Start, ais
from aevb.evaluators.evaluator import Evaluator
from aevb.models.gaussian_observation import with_gaussian_observation
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveFloat, PositiveInt

__all__ = ["AIS"]


class AIS(Evaluator):
    """aevb.estimators.ais per image: a stochastic lower bound of log p(x).

    temperatures: T. chains: C an image. leapfrogs: of a trajectory. start: "prior" or "encoder". batch_size: chains moved at once,
    which bounds the memory. observation_sigma: of Gaussian noise about the decoder's mean, in place of the model's own
    p(x|z); what a generator without a likelihood needs, and its number depends on (Wu et al. 2017).
    """

    name = "ais"
    primary_value = "log_px"
    direction = "lower bound"

    def __init__(
        self,
        temperatures: PositiveInt = 500,
        chains: PositiveInt = 8,
        leapfrogs: PositiveInt = 2,
        start: Start = "prior",
        batch_size: PositiveInt = 800,
        observation_sigma: PositiveFloat | None = None,
    ) -> None:
        self.observation_sigma = observation_sigma
        self.temperatures, self.chains, self.leapfrogs, self.start = temperatures, chains, leapfrogs, start
        self.images = max(1, batch_size // chains)

    @property
    def needs_encoder(self) -> bool:
        """To start there."""
        return self.start == "encoder"

    @property
    def latents(self) -> tuple[str, ...]:
        """Its trajectories start at normals."""
        return ("normal",)

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """log_px, effective_samples, monte_carlo_error, acceptance."""
        return ais(self._observed(model), x, noise, *self._budget)._asdict()

    @property
    def _budget(self) -> tuple[int, int, int, Start]:
        return self.temperatures, self.chains, self.leapfrogs, self.start

    def _observed(self, model: VAE) -> VAE:
        return model if self.observation_sigma is None else with_gaussian_observation(model, self.observation_sigma)

    def likelihood(self, decoder: str) -> str:
        """Gaussian, where it is given here."""
        return decoder if self.observation_sigma is None else "GaussianObservation"

    @property
    def settings(self) -> dict[str, int | float | str]:
        """T, C, leapfrogs, start, and the sigma where one is given."""
        sigma = {} if self.observation_sigma is None else {"observation_sigma": self.observation_sigma}
        counts = {"temperatures": self.temperatures, "chains": self.chains, "leapfrogs": self.leapfrogs}
        return {**counts, "start": self.start, **sigma}

    @property
    def suffix(self) -> str:
        """Estimates of different budgets are kept side by side."""
        start = "" if self.start == "prior" else f"-{self.start}"
        sigma = "" if self.observation_sigma is None else f"-sigma{self.observation_sigma:g}"
        return f"-t{self.temperatures}-c{self.chains}-l{self.leapfrogs}{start}{sigma}"
