"""The importance-sampled log p(x) for the images of a split, with the effective sample size."""

from typing import Any

from torch import Tensor

from aevb.estimators.enumeration import MAX_LATENT_DIM
from aevb.estimators.importance import DRAWN, importance
from aevb.estimators.model_queries import latent_dim
from aevb.estimators.pareto_k import has_tail
from aevb.estimators.pareto_threshold import pareto_k_threshold
from aevb.evaluators.evaluator import Evaluator, kind_of_latents
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import Fraction, NonNegativeInt, PositiveInt

__all__ = ["Importance"]


class Importance(Evaluator):
    """A stochastic lower bound of log p(x) for each image (see `aevb.estimators.importance`).

    Args:
        samples: Number of draws of z per image, K.
        batch_size: Number of latent samples that are decoded at the same time; it limits the memory.
        prior_share: Fraction of the draws from p(z) instead of q(z|x).
        annealed: Number of annealed posterior draws that are the centres of the proposal; 0: the
            proposal is the encoder's q(z|x).
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
        # As many images as one draw of the estimator has room for, and no more than a quarter of batch_size, so that a few
        # cores share 1,000 images evenly; annealed chains are decoded all at once.
        self.images = max(
            1, batch_size // annealed if annealed else min(batch_size // 4, DRAWN * batch_size // samples)
        )

    @property
    def needs_encoder(self) -> bool:
        """Whether the evaluator uses q(z|x): not if all draws are from the prior."""
        return self.annealed > 0 or self.prior_share < 1

    @property
    def latents(self) -> tuple[str, ...]:
        """The supported kinds of z (see `Evaluator.latents`): annealed chains need a normal prior."""
        return ("normal", "mixture") if self.annealed > 0 else super().latents

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Estimate log p(x) of each image.

        Args:
            model: The model.
            x: Images, (M, D).
            noise: The random stream of each image.

        Returns:
            log_px (nats) and effective_samples, each (M,); also monte_carlo_error (nats), pareto_k and rise
            if K is large enough for them.
        """
        values = importance(model, x, noise, self.samples, self.batch_size, self.prior_share, self.annealed)._asdict()
        # Where K is too small for them; what is nan because a model has diverged is kept.
        absent = {"monte_carlo_error", "rise"} if self.samples == 1 else set()
        absent |= set() if has_tail(self.samples) else {"pareto_k"}
        return {name: value for name, value in values.items() if name not in absent}

    def summary(self, model: VAE, x: Tensor, values: dict[str, Tensor]) -> dict[str, Any]:
        """State for how many images the estimate is unreliable.

        Args:
            model: The model.
            x: All images of the split, (n, D).
            values: The values of all images by name, each (n,).

        Returns:
            pareto_k_threshold, share_above_threshold (the share of the images with a larger Pareto k or none) and, if
            the share is not 0, a verdict; nothing if there is no Pareto k.
        """
        if "pareto_k" not in values:
            return {}
        threshold = pareto_k_threshold(self.samples)
        reliable = values["pareto_k"] <= threshold  # not where it is nan, for lack of a finite weight
        share = (~reliable).double().mean().item()
        numbers = {"pareto_k_threshold": threshold, "share_above_threshold": share}
        if share == 0:
            return numbers
        kind = kind_of_latents(model)
        few = kind == "binary" and latent_dim(model) <= MAX_LATENT_DIM
        other = "ais" if kind in ("normal", "normal prior", "mixture") else "enumeration" if few else None
        verdict = (
            f"Pareto k is above {threshold:.2f}, the threshold for K = {self.samples:,}, for {100 * share:.3g} % of the images; "
            f"their log p(x) may be far too low; try: evaluator.importance.samples={10 * self.samples}"
            f"{f' or evaluator={other}' if other else ''}"
        )
        return {**numbers, "verdict": verdict}

    @property
    def settings(self) -> dict[str, int | float | str]:
        """The number of draws K, and the settings of the proposal that differ from their defaults."""
        beside = {"prior_share": self.prior_share, "annealed": self.annealed}
        return {"samples": self.samples, **{name: value for name, value in beside.items() if value}}

    @property
    def suffix(self) -> str:
        """The part of the file name that keeps estimates with different K and proposals apart."""
        prior = f"-prior{self.prior_share:g}" if self.prior_share else ""
        return f"-k{self.samples}{prior}" + (f"-annealed{self.annealed}" if self.annealed else "")
