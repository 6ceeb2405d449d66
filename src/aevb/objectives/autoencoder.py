r"""The plain autoencoder: -log p(x | z = mu(x)), no noise on the code and no KL divergence.

Nothing asks the codes to look like a prior, so a decoded draw of p(z) shows nothing; aevb.figures.studies.mixture fits a mixture of
Gaussians to the codes and draws from that. There is no bound, and conf/objective/autoencoder.yaml makes the code a point, of
which evaluators that need log q(z|x) are refused.
"""

from collections.abc import Iterator

from aevb.errors import UserError
from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update
from aevb.types import NonNegativeFloat

__all__ = ["Autoencoder"]


class Autoencoder(Objective):
    """-log p(x | mu(x)). weight_prior: see `Objective`. Needs a model whose code is a point (model.encoder.variance=0)."""

    capturable = True

    def __init__(self, weight_prior: NonNegativeFloat = 1.0) -> None:
        super().__init__(weight_prior)

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """One minibatch, one update of theta and phi."""
        if not model.has_encoder or model.has_density:
            raise UserError(
                "objective=autoencoder: trains no variance of q(z|x); allowed: a code that is a point; "
                "try: model.encoder.variance=0"
            )
        x, _, _ = next(stream)
        reconstruction = model.decoder(model.encoder(x).mean).log_prob(x).mean()
        yield Update(-reconstruction, ("theta", "phi"), len(x), {"reconstruction": reconstruction.detach()})
