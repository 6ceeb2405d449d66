"""Lower and upper bounds of log p(x) for images simulated from the model (bidirectional Monte Carlo)."""

from torch import Tensor

from aevb.estimators.ais import bdmc
from aevb.evaluators.ais import AIS
from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["BDMC"]


class BDMC(AIS):
    """The gap between forward and reverse AIS, which bounds the bias of forward AIS.

    Exact posterior draws exist for simulated data only. The evaluator simulates one image from the
    model for every image of the split and does not use the pixels of the split. The simulated images
    of a Bernoulli decoder are binary, whatever the targets of the data are.

    The arguments are those of `AIS`. The estimator and its references are in `aevb.estimators.ais`.
    """

    name = "bdmc"
    draws_images = True
    primary_value = "gap"
    direction = ""

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Estimate both bounds for len(x) simulated images.

        Args:
            model: The model.
            x: Images, (M, D); only their number is used.
            noise: The random stream of each image.

        Returns:
            gap, lower, upper (nats), lower_effective_samples, upper_effective_samples and acceptance,
            each (M,) (see `aevb.estimators.ais.BDMCEstimate`).
        """
        return bdmc(self._observed(model), len(x), noise, *self._budget)._asdict()
