"""PITFALL: the KL divergence without its 1/2.

-sum_j (1 + log sigma_j^2 - mu_j^2 - sigma_j^2) is twice appendix B. What is trained is a beta-VAE with beta = 2, and what is
reported as the bound lies below it by one KL divergence. Seen: KarenUllrich/Tutorial_BayesianCompressionForDL#8 and, of some
of its terms, SupaeroDataScience/deep-learning#6 (both mended). Exposed by
test_distributions.py::test_kl_to_the_prior_is_appendix_b.
"""

from collections.abc import Iterator

from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Update
from aevb.objectives.sgvb_b import SGVB_B

__all__ = ["MissingHalf"]


class MissingHalf(SGVB_B):
    """SGVB estimator B with twice the KL divergence. Arguments: those of `SGVB_B`."""

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """One minibatch, one update of theta and phi."""
        x, _, noise = next(stream)
        qz_x = model.encoder(x)
        z = qz_x.rsample(noise, self.samples)
        reconstruction = model.decoder(z).log_prob(x).mean()
        kl = -(1 + qz_x.log_var - qz_x.mean**2 - qz_x.log_var.exp()).sum(-1).mean()  # right: half of it
        loss = self.beta * kl - reconstruction
        yield Update(loss, ("theta", "phi"), len(x), {"bound": (reconstruction - kl).detach()})
