"""PITFALL: mutual information within minibatches.

With q(z) the mixture over M images of a minibatch, I(x; z) cannot exceed log M = 4.6 nats at M = 100, whatever the model
knows; and the marginal KL takes the blame. Seen: codes that stop or report by it (jxhe/vae-lagging-encoder#8). Exposed by
test_information.py::test_more_images_raise_the_mutual_information_towards_the_populations.
"""

from torch import Tensor

from aevb.estimators.mutual_information import information
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveInt

__all__ = ["BatchInformation"]


class BatchInformation(Evaluator):
    """aevb.estimators.mutual_information over `batch` images at a time."""

    name = "pitfall_batch_information"
    primary_value = "claimed_mutual_information"

    def __init__(self, batch: PositiveInt = 100) -> None:
        self.images = batch  # right: the whole split

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """claimed_mutual_information, claimed_marginal_kl."""
        estimate = information(model, x, noise)
        return {
            "claimed_mutual_information": estimate.mutual_information,
            "claimed_marginal_kl": estimate.marginal_kl,
        }

    @property
    def settings(self) -> dict[str, int | float | str]:
        """M."""
        return {"batch": self.images}
