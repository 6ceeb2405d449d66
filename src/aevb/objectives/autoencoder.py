r"""The plain autoencoder: the loss is -log p(x | z = mu(x)), without noise on the code and without a KL divergence.

Nothing makes the distribution of the codes resemble a prior, so decoding a draw of p(z) is
meaningless; aevb.figures.studies.mixture fits a mixture of Gaussians to the codes and samples from
it. There is no lower bound: conf/objective/autoencoder.yaml makes q(z|x) a point (variance 0), and
evaluators that need log q(z|x) refuse it.
"""

from collections.abc import Iterator

from aevb.errors import UserError
from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update
from aevb.types import NonNegativeFloat

__all__ = ["Autoencoder"]


class Autoencoder(Objective):
    """-log p(x | mu(x)); requires a model whose q(z|x) is a point (model.encoder.variance=0).

    Args:
        weight_prior: Precision of the prior on the weights (see `Objective`).

    Raises:
        UserError: From `forward`: q(z|x) has a density, whose variance this loss would not train.
    """

    capturable = True
    no_trained_prior = "has no p(z) in its loss, which would stay as it begins"

    def __init__(self, weight_prior: NonNegativeFloat = 1.0) -> None:
        super().__init__(weight_prior)

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta and phi for one minibatch (see `Objective.forward`)."""
        if not model.has_encoder or model.has_density:
            raise UserError(
                "objective=autoencoder: the loss does not train a variance of q(z|x); "
                "allowed: a q(z|x) that is a point; try: model.encoder.variance=0"
            )
        x, _, _ = next(stream)
        reconstruction = model.decoder(model.encoder(x).mean).log_prob(x).mean()
        yield Update(-reconstruction, ("theta", "phi"), len(x), {"reconstruction": reconstruction.detach()})
