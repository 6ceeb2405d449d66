"""PITFALL: a mean over pixels beside a sum over latent dimensions.

torch's and Keras' cross-entropies average over pixels by default; the KL divergence is a sum. The reconstruction then weighs
1/D of what it should: a beta-VAE with beta = D, whose posterior collapses onto the prior. The "bound" of a fraction of a nat
is of no image. Seen: pytorch/examples#294, keras#6015, and at least five more. Exposed by
test_distributions.py::test_bernoulli_log_prob_is_the_cross_entropy; evaluator=information calls it collapsed.
"""

from collections.abc import Iterator

from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Update
from aevb.objectives.sgvb_b import SGVB_B

__all__ = ["MeanReduced"]


class MeanReduced(SGVB_B):
    """SGVB estimator B with the reconstruction averaged over pixels. Arguments: those of `SGVB_B`."""

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """One minibatch, one update of theta and phi."""
        x, _, noise = next(stream)
        qz_x = model.encoder(x)
        z = qz_x.rsample(noise, self.samples)
        reconstruction = model.decoder(z).log_prob(x).mean() / x.shape[1]  # right: not divided by D
        kl = qz_x.kl(model.prior()).mean()
        loss = self.beta * kl - reconstruction
        yield Update(loss, ("theta", "phi"), len(x), {"bound": (reconstruction - kl).detach()})
