"""PITFALL: mutual information computed within minibatches.

If q(z) is the mixture over the M images of a minibatch, I(x; z) cannot exceed log M = 4.6 nats for
M = 100, however informative z is, and the marginal KL divergence is overestimated by as much. Seen
in: code that stops training by it or reports it (jxhe/vae-lagging-encoder#8). Exposed by
tests/estimators/test_mutual_information.py: more images raise the mutual information.
"""

from torch import Tensor

from aevb.estimators.mutual_information import information
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveInt

__all__ = ["BatchInformation"]


class BatchInformation(Evaluator):
    """aevb.estimators.mutual_information on `batch` images at a time.

    Args:
        batch: Number of images whose mixture is q(z), M.
    """

    name = "pitfall_batch_information"
    primary_value = "claimed_mutual_information"

    def __init__(self, batch: PositiveInt = 100) -> None:
        self.images = batch  # right: the whole split

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Return the values of each image.

        Args:
            model: The model.
            x: Images, (M, D).
            noise: The random numbers of the images.

        Returns:
            claimed_mutual_information and claimed_marginal_kl in nats, (M,) each.
        """
        estimate = information(model, x, noise)
        return {
            "claimed_mutual_information": estimate.mutual_information,
            "claimed_marginal_kl": estimate.marginal_kl,
        }

    @property
    def settings(self) -> dict[str, int | float | str]:
        """batch, M."""
        return {"batch": self.images}
