r"""beta-TCVAE (Chen, Li, Grosse & Duvenaud 2018, eq. 4): the KL divergence in three parts, each with a weight.

    loss = -E_q log p(x|z) + alpha I_q(x; z) + beta TC(q(z)) + gamma sum_j KL(q(z_j) || p(z_j))

The parts are those of aevb.estimators.total_correlation, estimated from the minibatch. With alpha = beta = gamma = 1 the
loss is that of SGVB estimator A, for the estimates of q(z) cancel. beta-VAE has one weight for all three, and so pays for
independent dimensions with mutual information.
"""

from collections.abc import Iterator

from aevb.errors import UserError
from aevb.estimators.total_correlation import AggregateEstimate, minibatch_decomposition
from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update, detached, require_diagonal_normal
from aevb.types import NonNegativeFloat, PositiveInt

__all__ = ["BetaTCVAE"]


class BetaTCVAE(Objective):
    """The loss above; requires q(z|x) and p(z) that are `DiagonalNormal`.

    The reported bound is the lower bound (eq. 3) whatever the weights are.

    Args:
        n_train: Number of training images, N.
        alpha: Weight of the mutual information.
        beta: Weight of the total correlation.
        gamma: Weight of the dimension-wise KL divergence.
        estimate: How q(z) is estimated from a minibatch (`minibatch_decomposition`).
        samples: Number of draws of z per datapoint, L.
        weight_prior: Precision of the prior on the weights (see `Objective`).

    Raises:
        UserError: From `forward`: the minibatch has fewer than two images, or q(z|x) or p(z) is not a `DiagonalNormal`.
    """

    reparameterised = True
    normal_posterior = True
    normal_prior = True
    min_batch_size = 2
    mean_over_data = False  # q(z) is estimated from the whole minibatch

    def __init__(
        self,
        n_train: int,
        alpha: NonNegativeFloat = 1.0,
        beta: NonNegativeFloat = 6.0,
        gamma: NonNegativeFloat = 1.0,
        estimate: AggregateEstimate = "weighted",
        samples: PositiveInt = 1,
        weight_prior: NonNegativeFloat = 1.0,
    ) -> None:
        super().__init__(weight_prior)
        self.n_train, self.samples, self.estimate = n_train, samples, estimate
        self.alpha, self.beta, self.gamma = alpha, beta, gamma

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta and phi for one minibatch (see `Objective.forward`)."""
        x, _, noise = next(stream)
        if len(x) < 2:
            raise UserError("batch_size=1: q(z) needs several images; allowed: an integer >= 2; try: batch_size=100")
        qz_x, pz = model.encoder(x), model.prior()
        require_diagonal_normal("beta_tcvae", qz_x)
        require_diagonal_normal("beta_tcvae", pz)
        z = qz_x.rsample(noise, self.samples)
        reconstruction = model.decoder(z).log_prob(x).mean()
        parts = minibatch_decomposition(qz_x, z, pz.log_prob(z), self.n_train, self.estimate)
        information, correlation, dimensions = (part.mean() for part in parts)
        loss = self.alpha * information + self.beta * correlation + self.gamma * dimensions - reconstruction
        kl = information + correlation + dimensions
        stats = {"bound": reconstruction - kl, "reconstruction": reconstruction, "kl": kl}
        yield Update(loss, ("theta", "phi"), len(x), detached(stats))
