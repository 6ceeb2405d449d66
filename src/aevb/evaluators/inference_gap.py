"""The inference gap for the images of a split, with its two parts."""

from torch import Tensor

from aevb.estimators.inference_gap import inference_gap
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveFloat, PositiveInt

__all__ = ["InferenceGap"]


class InferenceGap(Evaluator):
    """The inference gap of each image (see `aevb.estimators.inference_gap`).

    The evaluation is slow because q is optimised for each image; 100 images give a first estimate.

    Args:
        steps: Number of steps of the optimisation.
        draws: Number of draws of z per step of the optimisation.
        lr: Learning rate of the optimisation.
        samples: Number of draws of z for the bounds and for log p(x), K.
        batch_size: Number of latent samples that are decoded at the same time.
    """

    name = "inference_gap"
    primary_value = "inference_gap"

    def __init__(
        self,
        steps: PositiveInt = 500,
        draws: PositiveInt = 10,
        lr: PositiveFloat = 0.03,
        samples: PositiveInt = 1000,
        batch_size: PositiveInt = 1000,
    ) -> None:
        self.steps, self.draws, self.lr, self.samples, self.batch_size = steps, draws, lr, samples, batch_size
        self.images = max(1, batch_size // draws)

    @property
    def needs_encoder(self) -> bool:
        """Whether the evaluator uses q(z|x)."""
        return True

    @property
    def latents(self) -> tuple[str, ...]:
        """The supported kinds of z (see `Evaluator.latents`): the optimised q is a normal distribution."""
        return ("normal",)

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Estimate the inference gap of each image.

        Args:
            model: The model.
            x: Images, (M, D).
            noise: The random stream of each image.

        Returns:
            inference_gap, approximation_gap, amortisation_gap, bound, best_bound, log_px (nats) and
            effective_samples, each (M,).
        """
        estimate = inference_gap(
            model,
            x,
            noise,
            steps=self.steps,
            draws=self.draws,
            lr=self.lr,
            samples=self.samples,
            batch_size=self.batch_size,
        )
        return estimate._asdict()

    @property
    def settings(self) -> dict[str, int | float | str]:
        """The settings of the optimisation, and the number of draws K."""
        return {"steps": self.steps, "draws": self.draws, "lr": self.lr, "samples": self.samples}
