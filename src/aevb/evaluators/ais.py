"""Annealed importance sampling of log p(x) over a split."""

from torch import Tensor

from aevb.estimators.ais import Start, ais
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.ranges import PositiveInt

__all__ = ["AIS"]


class AIS(Evaluator):
    """aevb.estimators.ais per image: a stochastic lower bound of log p(x).

    temperatures: T. chains: C an image. leapfrogs: of a trajectory. start: "prior" or "encoder". rows: chains moved at once,
    which bounds the memory.
    """

    name = "ais"
    headline = "log_px"
    direction = "lower bound"

    def __init__(
        self,
        temperatures: PositiveInt = 500,
        chains: PositiveInt = 8,
        leapfrogs: PositiveInt = 2,
        start: Start = "prior",
        rows: PositiveInt = 800,
    ) -> None:
        self.temperatures, self.chains, self.leapfrogs, self.start = temperatures, chains, leapfrogs, start
        self.images = max(1, rows // chains)

    @property
    def needs_encoder(self) -> bool:
        """To start there."""
        return self.start == "encoder"

    @property
    def takes_families(self) -> bool:
        """Its chains go from one normal to another."""
        return False

    @property
    def needs_continuous(self) -> bool:
        """For its trajectories."""
        return True

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """log_px, effective_samples, monte_carlo_error, acceptance."""
        return ais(model, x, noise, self.temperatures, self.chains, self.leapfrogs, self.start)._asdict()

    @property
    def settings(self) -> dict[str, int | float | str]:
        """T, C, leapfrogs, start."""
        counts = {"temperatures": self.temperatures, "chains": self.chains, "leapfrogs": self.leapfrogs}
        return {**counts, "start": self.start}

    @property
    def suffix(self) -> str:
        """Estimates of different budgets are kept side by side."""
        start = "" if self.start == "prior" else f"-{self.start}"
        return f"-t{self.temperatures}-c{self.chains}-l{self.leapfrogs}{start}"
