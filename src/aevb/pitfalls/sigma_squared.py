"""PITFALL: z = mu + sigma^2 eps, the variance instead of the standard deviation.

The encoder compensates for it in part: to sample with the standard deviation s it must output
sigma^2 = s, and the KL divergence is then that of a different distribution. Seen in: a published
student reproduction. Exposed by tests/distributions/test_distributions.py: reparameterised draws
scale with sigma; and by the gradient test of SGVB.
"""

from collections.abc import Iterator

import torch

from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Update
from aevb.objectives.sgvb_b import SGVB_B

__all__ = ["SigmaSquared"]


class SigmaSquared(SGVB_B):
    """SGVB estimator B with the wrong reparameterisation; the arguments are those of `SGVB_B`."""

    normal_posterior = True

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta and phi for one minibatch (see `Objective.forward`)."""
        x, _, noise = next(stream)
        qz_x = model.encoder(x)
        eps = noise.normal((self.samples, *qz_x.mean.shape), qz_x.mean.dtype)
        z = qz_x.mean + torch.exp(qz_x.log_var) * eps  # right: torch.exp(0.5 * qz_x.log_var)
        reconstruction = model.decoder(z).log_prob(x).mean()
        kl = qz_x.kl(model.prior()).mean()
        loss = self.beta * kl - reconstruction
        yield Update(loss, ("theta", "phi"), len(x), {"bound": (reconstruction - kl).detach()})
