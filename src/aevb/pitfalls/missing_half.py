"""PITFALL: the KL divergence without its 1/2.

-sum_j (1 + log sigma_j^2 - mu_j^2 - sigma_j^2) is twice the KL divergence of appendix B. A beta-VAE
with beta = 2 is trained, and the reported bound is too low by one KL divergence. Seen in:
KarenUllrich/Tutorial_BayesianCompressionForDL#8 and, for some of the terms,
SupaeroDataScience/deep-learning#6 (both corrected). Exposed by
tests/distributions/test_distributions.py: the KL divergence to the prior is that of appendix B.
"""

from collections.abc import Iterator

from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Update
from aevb.objectives.sgvb_b import SGVB_B

__all__ = ["MissingHalf"]


class MissingHalf(SGVB_B):
    """SGVB estimator B with twice the KL divergence; the arguments are those of `SGVB_B`."""

    normal_posterior = True

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta and phi for one minibatch (see `Objective.forward`)."""
        x, _, noise = next(stream)
        qz_x = model.encoder(x)
        z = qz_x.rsample(noise, self.samples)
        reconstruction = model.decoder(z).log_prob(x).mean()
        kl = -(1 + qz_x.log_var - qz_x.mean**2 - qz_x.log_var.exp()).sum(-1).mean()  # right: half of it
        loss = self.beta * kl - reconstruction
        yield Update(loss, ("theta", "phi"), len(x), {"bound": (reconstruction - kl).detach()})
