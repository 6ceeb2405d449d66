"""PITFALL: the mean of the log-weights for the log of their mean.

1/K sum_k log w_k is the variational bound again, whatever K: more draws make it steadier and never better. Seen: asked of a
reimplementation of the IWAE in arahuja/generative-tf#1. Exposed by
test_bound_and_importance.py::test_the_mean_weight_is_unbiased_for_px and by the test beside it that the estimate rises with
K.
"""

from torch import Tensor

from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveInt

__all__ = ["MeanOfLogs"]


class MeanOfLogs(Evaluator):
    """1/K sum_k log w_k under the name of log p(x). samples: K."""

    name = "pitfall_mean_of_logs"
    primary_value = "claimed_log_px"

    def __init__(self, samples: PositiveInt = 50) -> None:
        self.samples = samples
        self.images = max(1, 1000 // samples)

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """claimed_log_px."""
        qz_x = model.encoder(x)
        z = qz_x.sample(noise, self.samples)
        log_w = model.log_joint(x, z) - qz_x.log_prob(z)
        return {"claimed_log_px": log_w.mean(0).detach()}  # right: torch.logsumexp(log_w, 0) - math.log(self.samples)

    @property
    def settings(self) -> dict[str, int | float | str]:
        """K."""
        return {"samples": self.samples}
