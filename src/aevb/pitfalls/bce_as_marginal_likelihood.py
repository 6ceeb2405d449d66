"""PITFALL: the cross-entropy called log p(x).

-BCE is the reconstruction E_q log p(x|z); it exceeds the bound by the whole KL divergence, and log p(x) wherever the KL is
more than the gap. Seen: a published student reproduction plots it as the paper's Figure 3, after
hwalsuklee/tensorflow-generative-model-collections#13. Exposed by
test_bound_and_importance.py::test_importance_is_exact_when_q_is_the_posterior: no estimate may exceed the truth.
"""

from torch import Tensor

from aevb.estimators.bound import bound
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["BCEAsMarginalLikelihood"]


class BCEAsMarginalLikelihood(Evaluator):
    """E_q log p(x|z), one draw, under the name of log p(x)."""

    name = "pitfall_bce_as_marginal_likelihood"
    primary_value = "claimed_log_px"
    images = 1000

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """claimed_log_px."""
        return {"claimed_log_px": bound(model, x, noise).reconstruction}  # right: aevb.estimators.importance

    @property
    def settings(self) -> dict[str, int | float | str]:
        """None."""
        return {}
