"""PITFALL: the cross-entropy called log p(x).

-BCE is the reconstruction term E_q log p(x|z). It exceeds the bound by the whole KL divergence, and
it exceeds log p(x) where the KL divergence is larger than the gap of the bound. Seen in: a
published student reproduction, which plots it as the paper's Figure 3, after
hwalsuklee/tensorflow-generative-model-collections#13. Exposed by
tests/estimators/test_importance.py: at the exact posterior no estimate may exceed log p(x).
"""

from torch import Tensor

from aevb.estimators.bound import bound
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["BCEAsMarginalLikelihood"]


class BCEAsMarginalLikelihood(Evaluator):
    """E_q log p(x|z), estimated with one draw and called log p(x)."""

    name = "pitfall_bce_as_marginal_likelihood"
    primary_value = "claimed_log_px"
    images = 1000

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Return the values of each image.

        Args:
            model: The model.
            x: Images, (M, D).
            noise: The random numbers of the images.

        Returns:
            claimed_log_px in nats, (M,).
        """
        return {"claimed_log_px": bound(model, x, noise).reconstruction}  # right: aevb.estimators.importance

    @property
    def settings(self) -> dict[str, int | float | str]:
        """There are none."""
        return {}
