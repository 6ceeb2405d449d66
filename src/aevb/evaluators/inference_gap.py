"""The inference gap over a split, in its two parts."""

from torch import Tensor

from aevb.estimators.inference_gap import inference_gap
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveFloat, PositiveInt

__all__ = ["InferenceGap"]


class InferenceGap(Evaluator):
    """aevb.estimators.inference_gap per image. Slow: q is optimised for each; `first=100` gives an idea.

    steps, draws, lr: of that optimisation. samples: K, draws behind bounds and log p(x). batch_size: latent samples decoded at once.
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
        """It is q's."""
        return True

    @property
    def latents(self) -> tuple[str, ...]:
        """Its q* is a normal one."""
        return ("normal",)

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """inference_gap, approximation_gap, amortisation_gap, bound, best_bound, log_px, effective_samples."""
        estimate = inference_gap(
            model, x, noise, steps=self.steps, draws=self.draws, lr=self.lr, samples=self.samples, rows=self.batch_size
        )
        return estimate._asdict()

    @property
    def settings(self) -> dict[str, int | float | str]:
        """Of the optimisation, and K."""
        return {"steps": self.steps, "draws": self.draws, "lr": self.lr, "samples": self.samples}
