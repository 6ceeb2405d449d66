r"""InfoVAE with the maximum mean discrepancy (Zhao, Song & Ermon 2017, eq. 6), the MMD-VAE at alpha = 1.

    loss = -E_q log p(x|z) + (1 - alpha) KL(q(z|x) || p(z)) + (alpha + lambda - 1) MMD^2(q(z), p(z))

The aggregate posterior q(z) is represented by the z of the minibatch, one draw per image, and
compared to as many draws of p(z); MMD^2 is estimated by the U-statistic (aevb.estimators.mmd).
alpha = 0, lambda = 1 is the lower bound by estimator B. alpha = 1 does not penalise the information
of z about a single x; only the distribution of all z together is drawn to the prior.

A latent layer with a fixed noise variance (Victoria University of Wellington, AIML 425, 2021) is
model.encoder.variance; with the variance 0, alpha must be 1, because a point has no KL divergence.
Only the ratio of this variance to that of the prior, which is 1, matters.
"""

import math
from collections.abc import Iterator

from torch import Tensor

from aevb.distributions import DiagonalNormal
from aevb.errors import UserError
from aevb.estimators.mmd import median_distance, mmd
from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update, detached, known_kl
from aevb.types import Fraction, NonNegativeFloat, PositiveFloat, PositiveInt

__all__ = ["MMD"]


class MMD(Objective):
    """The loss above; requires a q(z|x) with reparameterised samples and, for alpha < 1, a closed-form KL divergence.

    The reported bound is the lower bound whatever alpha is; where q(z|x) is a point, no bound is
    reported.

    Args:
        alpha: Fraction of the KL divergence that is left out.
        weight: lambda, nats per unit of MMD^2.
        samples: Number of draws of z per datapoint, L; MMD^2 is the mean of L estimates, each with
            one draw per image.
        bandwidth: Bandwidth h of the kernel; None: the median distance between z and draws of the
            prior.
        weight_prior: Precision of the prior on the weights (see `Objective`).

    Raises:
        UserError: alpha + weight < 1; from `forward`: the minibatch has fewer than two images.
    """

    reparameterised = True
    no_trained_prior = "is trained through draws of p(z), and those of a mixture have no derivative"
    min_batch_size = 2
    mean_over_data = False  # MMD^2 is a mean over pairs of the whole minibatch

    def __init__(
        self,
        alpha: Fraction = 1.0,
        weight: NonNegativeFloat = 100.0,
        samples: PositiveInt = 1,
        bandwidth: PositiveFloat | None = None,
        weight_prior: NonNegativeFloat = 1.0,
    ) -> None:
        super().__init__(weight_prior)
        if alpha + weight < 1:
            raise UserError(
                f"objective.weight={weight:g}: the weight of MMD^2, alpha + weight - 1, is negative; "
                f"allowed: a number >= 1 - alpha; try: objective.weight={math.ceil(1e6 * (1 - alpha)) / 1e6!r}"
            )
        self.alpha, self.weight, self.samples, self.bandwidth = alpha, weight, samples, bandwidth

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta and phi for one minibatch (see `Objective.forward`)."""
        x, _, noise = next(stream)
        if len(x) < 2:
            raise UserError("batch_size=1: MMD^2 needs pairs of images; allowed: an integer >= 2; try: batch_size=100")
        qz_x, pz = model.encoder(x), model.prior()
        z = qz_x.rsample(noise, self.samples)
        reconstruction = model.decoder(z).log_prob(x).mean()
        eps = noise.normal(tuple(z.shape), z.dtype) if isinstance(pz, DiagonalNormal) else None
        prior = pz.rows(len(x)).sample(noise, self.samples) if eps is None else pz.mean + pz.scale * eps
        bandwidth = median_distance(z, prior) if self.bandwidth is None else self.bandwidth
        discrepancy = mmd(z, prior, bandwidth).mean()
        loss = (self.alpha + self.weight - 1) * discrepancy - reconstruction
        stats: dict[str, Tensor] = {"reconstruction": reconstruction, "mmd": discrepancy}
        kl = qz_x.kl(pz).mean() if self.alpha < 1 else known_kl(qz_x, pz) if model.has_density else None
        if kl is not None:
            stats |= {"bound": reconstruction - kl, "kl": kl}
            loss = loss + (1 - self.alpha) * kl if self.alpha < 1 else loss
        yield Update(loss, ("theta", "phi"), len(x), detached(stats))
