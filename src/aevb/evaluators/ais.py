"""Annealed importance sampling of log p(x) for the images of a split."""

from torch import Tensor

from aevb.data.target_convention import Likelihood
from aevb.estimators.ais import Start, ais
from aevb.evaluators.evaluator import Evaluator
from aevb.models.gaussian_observation import with_gaussian_observation
from aevb.models.two_layer import TwoLayerVAE
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveFloat, PositiveInt

__all__ = ["AIS"]


class AIS(Evaluator):
    """A stochastic lower bound of log p(x) for each image, by annealed importance sampling.

    The estimator and its references are in `aevb.estimators.ais`.

    Args:
        temperatures: Number of temperatures, T.
        chains: Number of chains per image, C.
        leapfrogs: Number of leapfrog steps per trajectory.
        start: Initial distribution of the chains: "prior" or "encoder".
        batch_size: Number of chains that are simulated at the same time; it limits the memory.
        observation_sigma: Standard deviation of Gaussian noise around the mean of the decoder, which
            replaces the p(x|z) of the model. A generator without a likelihood needs it, and the
            estimate depends on it (Wu et al. 2017).
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
        """Whether the evaluator uses q(z|x): only if the chains start at the encoder."""
        return self.start == "encoder"

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
            log_px (nats), effective_samples, monte_carlo_error (nats; not for one chain) and acceptance, each (M,)
            (see `aevb.estimators.ais.AISEstimate`).
        """
        values = ais(self._observed(model), x, noise, *self._budget)._asdict()
        return {name: value for name, value in values.items() if self.chains > 1 or name != "monte_carlo_error"}

    @property
    def _budget(self) -> tuple[int, int, int, Start]:
        return self.temperatures, self.chains, self.leapfrogs, self.start

    def _observed(self, model: VAE) -> VAE:
        if isinstance(model, TwoLayerVAE):
            model = model.non_centred()
        return model if self.observation_sigma is None else with_gaussian_observation(model, self.observation_sigma)

    def unsupported(self, model: VAE) -> tuple[str, tuple[str, ...]] | None:
        """Return why a model is ruled out; one with two layers is taken in the coordinates of `non_centred`.

        Args:
            model: The model.
        """
        if model.conditional and self.observation_sigma is not None:
            reason = "replaces p(x|z) by noise around a mean, which a conditional model has for given labels only"
            return reason, ("ais",)
        if isinstance(model, TwoLayerVAE) and self.start == "encoder":
            return "starts at the prior for a model with two layers (evaluator.ais.start=prior)", ("importance",)
        return super().unsupported(self._observed(model))

    def likelihood(self, model: VAE) -> Likelihood | None:
        """Return the family of the p(x|z) that is evaluated.

        Args:
            model: The model.

        Returns:
            "gaussian" if observation_sigma is given, otherwise that of the model.
        """
        return self._observed(model).likelihood

    @property
    def settings(self) -> dict[str, int | float | str]:
        """The numbers T and C, the leapfrog steps, the start, and observation_sigma if it is given."""
        sigma = {} if self.observation_sigma is None else {"observation_sigma": self.observation_sigma}
        counts = {"temperatures": self.temperatures, "chains": self.chains, "leapfrogs": self.leapfrogs}
        return {**counts, "start": self.start, **sigma}

    @property
    def suffix(self) -> str:
        """The part of the file name that keeps estimates with different settings apart."""
        start = "" if self.start == "prior" else f"-{self.start}"
        sigma = "" if self.observation_sigma is None else f"-sigma{self.observation_sigma:g}"
        return f"-t{self.temperatures}-c{self.chains}-l{self.leapfrogs}{start}{sigma}"
