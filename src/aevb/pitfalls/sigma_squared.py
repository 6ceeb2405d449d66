"""PITFALL: z = mu + sigma^2 eps, the variance where the standard deviation belongs.

Seen: a published student reproduction writes it so. The encoder unlearns it in part: to sample with deviation s it must
answer sigma^2 = s, and its KL divergence, of the sigma it says, is then another distribution's. Exposed by
test_distributions.py::test_reparameterised_draws_scale_with_sigma_not_with_its_square and by the gradient test of SGVB.
"""

from collections.abc import Iterator

import torch

from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Update
from aevb.objectives.sgvb_b import SGVB_B

__all__ = ["SigmaSquared"]


class SigmaSquared(SGVB_B):
    """SGVB estimator B with the wrong reparameterisation. Arguments: those of `SGVB_B`."""

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """One minibatch, one update of theta and phi."""
        x, _, noise = next(stream)
        qz_x = model.encoder(x)
        eps = noise.normal((self.samples, *qz_x.mean.shape), qz_x.mean.dtype)
        z = qz_x.mean + torch.exp(qz_x.log_var) * eps  # right: torch.exp(0.5 * qz_x.log_var)
        reconstruction = model.decoder(z).log_prob(x).mean()
        kl = qz_x.kl(model.prior()).mean()
        loss = self.beta * kl - reconstruction
        yield Update(loss, ("theta", "phi"), len(x), {"bound": (reconstruction - kl).detach()})
