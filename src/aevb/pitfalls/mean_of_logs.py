"""PITFALL: the mean of the log-weights instead of the logarithm of their mean.

1/K sum_k log w_k estimates the variational bound for every K: more draws reduce its variance and do
not raise its expectation. Seen in: a question about a reimplementation of the IWAE
(arahuja/generative-tf#1). Exposed by tests/estimators/test_importance.py: the mean weight is
unbiased for p(x), and the estimate rises with K.
"""

from torch import Tensor

from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveInt

__all__ = ["MeanOfLogs"]


class MeanOfLogs(Evaluator):
    """1/K sum_k log w_k, called log p(x).

    Args:
        samples: Number of draws of z per image, K.
    """

    name = "pitfall_mean_of_logs"
    primary_value = "claimed_log_px"

    def __init__(self, samples: PositiveInt = 50) -> None:
        self.samples = samples
        self.images = max(1, 1000 // samples)

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Return the values of each image.

        Args:
            model: The model.
            x: Images, (M, D).
            noise: The random numbers of the images.

        Returns:
            claimed_log_px in nats, (M,).
        """
        qz_x = model.encoder(x)
        z = qz_x.sample(noise, self.samples)
        log_w = model.log_joint(x, z) - qz_x.log_prob(z)
        return {"claimed_log_px": log_w.mean(0).detach()}  # right: torch.logsumexp(log_w, 0) - math.log(self.samples)

    @property
    def settings(self) -> dict[str, int | float | str]:
        """samples, K."""
        return {"samples": self.samples}
