"""PITFALL: the KL divergence added to the bound instead of subtracted.

-1/2 sum(...) and +1/2 sum(...) are easily confused: pytorch/examples#824 asks which is right (it
was), and FluxML/model-zoo#147 corrects the sign of one of the terms. The loss then rewards
posteriors far from the prior. Nothing limits mu and log sigma^2, so the claimed bound grows without
limit while the correct bound falls. Exposed by tests/objectives/test_sgvb.py: beta weights the KL
divergence, and the gradient is unbiased.
"""

from collections.abc import Iterator

from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Update
from aevb.objectives.sgvb_b import SGVB_B

__all__ = ["KLSign"]


class KLSign(SGVB_B):
    """SGVB estimator B with the wrong sign of the KL divergence; the arguments are those of `SGVB_B`."""

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta and phi for one minibatch (see `Objective.forward`)."""
        x, _, noise = next(stream)
        qz_x = model.encoder(x)
        z = qz_x.rsample(noise, self.samples)
        reconstruction = model.decoder(z).log_prob(x).mean()
        kl = qz_x.kl(model.prior()).mean()
        loss = -self.beta * kl - reconstruction  # right: self.beta * kl - reconstruction
        yield Update(loss, ("theta", "phi"), len(x), {"bound": (reconstruction + kl).detach()})
