"""PITFALL: a mean over pixels together with a sum over latent dimensions.

The cross-entropies of torch and Keras average over pixels by default; the KL divergence is a sum.
The weight of the reconstruction is then too small by the factor 1/D. This is a beta-VAE with beta =
D, whose posterior collapses to the prior. A "bound" of a fraction of a nat is impossible for an
image. Seen in: pytorch/examples#294, keras#6015, and at least five more. Exposed by
tests/distributions/test_distributions.py: the Bernoulli log-probability is the cross-entropy;
evaluator=information reports a collapse.
"""

from collections.abc import Iterator

from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Update
from aevb.objectives.sgvb_b import SGVB_B

__all__ = ["MeanReduced"]


class MeanReduced(SGVB_B):
    """SGVB estimator B with the reconstruction averaged over pixels; the arguments are those of `SGVB_B`."""

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta and phi for one minibatch (see `Objective.forward`)."""
        x, _, noise = next(stream)
        qz_x = model.encoder(x)
        z = qz_x.rsample(noise, self.samples)
        reconstruction = model.decoder(z).log_prob(x).mean() / x.shape[1]  # right: not divided by D
        kl = qz_x.kl(model.prior()).mean()
        loss = self.beta * kl - reconstruction
        yield Update(loss, ("theta", "phi"), len(x), {"bound": (reconstruction - kl).detach()})
