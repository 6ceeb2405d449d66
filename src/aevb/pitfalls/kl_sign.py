"""PITFALL: the KL divergence added to the bound instead of taken off.

-1/2 sum(...) and +1/2 sum(...) are one slip apart: pytorch/examples#824 asks which (it was right), FluxML/model-zoo#147
mends the sign of one of its terms. The loss then rewards posteriors far from the prior: nothing holds mu and log sigma^2
back, the claim grows without end while the real bound falls. Exposed by
test_sgvb.py::test_beta_weighs_the_kl_and_leaves_the_reported_bound_alone and by the gradient test beside it.
"""

from collections.abc import Iterator

from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Update
from aevb.objectives.sgvb_b import SGVB_B

__all__ = ["KLSign"]


class KLSign(SGVB_B):
    """SGVB estimator B with the KL divergence rewarded. Arguments: those of `SGVB_B`."""

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """One minibatch, one update of theta and phi."""
        x, _, noise = next(stream)
        qz_x = model.encoder(x)
        z = qz_x.rsample(noise, self.samples)
        reconstruction = model.decoder(z).log_prob(x).mean()
        kl = qz_x.kl(model.prior()).mean()
        loss = -self.beta * kl - reconstruction  # right: self.beta * kl - reconstruction
        yield Update(loss, ("theta", "phi"), len(x), {"bound": (reconstruction + kl).detach()})
