"""Both sides of log p(x), on images simulated from the model (bidirectional Monte Carlo)."""

from torch import Tensor

from aevb.estimators.ais import bdmc
from aevb.evaluators.ais import AIS
from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["BDMC"]


class BDMC(AIS):
    """aevb.estimators.ais.bdmc: the gap between forward and reverse AIS, which bounds the bias of the first.

    Exact posterior draws come with simulated data only: one image is simulated for every image of the split, whose pixels are not
    looked at. Of a Bernoulli decoder they are binary, whatever the targets of the data. Arguments as for AIS.
    """

    name = "bdmc"
    primary_value = "gap"
    direction = ""

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """gap, lower, upper, the effective samples of either, acceptance."""
        return bdmc(self._observed(model), len(x), noise, *self._budget)._asdict()
