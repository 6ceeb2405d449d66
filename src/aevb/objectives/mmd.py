r"""InfoVAE with the maximum mean discrepancy (Zhao, Song & Ermon 2017, eq. 6), the MMD-VAE at alpha = 1.

    loss = -E_q log p(x|z) + (1 - alpha) KL(q(z|x) || p(z)) + (alpha + lambda - 1) MMD^2(q(z), p(z))

q(z), the aggregate posterior, is the minibatch's z, one draw an image, beside as many draws of p(z); MMD^2 by the U-statistic
(aevb.estimators.mmd). alpha = 0, lambda = 1 is the lower bound by estimator B; alpha = 1 charges nothing for what z says of a
single x, and asks only that all z together look like the prior.

Of Wellington's assignment (AIML 425, 2021): a latent layer with a given noise variance is model.encoder.variance, 0 for none
(then alpha = 1, since a point has no KL divergence). Only its ratio to the prior's variance, here 1, has a meaning.
"""

from collections.abc import Iterator

from torch import Tensor

from aevb.errors import UserError
from aevb.estimators.mmd import median_distance, mmd
from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update
from aevb.types import Fraction, NonNegativeFloat, PositiveFloat, PositiveInt

__all__ = ["MMD"]


class MMD(Objective):
    """The loss above. The bound that it reports is the lower bound, whatever alpha; where the code is a point there is none.

    alpha: how much of the KL divergence is left out. weight: lambda, nats for a unit of MMD^2. samples: L; MMD^2 is the mean
    of L of them, each of one draw an image. bandwidth: h of the kernel; null: the median distance between z and draws of the
    prior. weight_prior: see `Objective`. Needs a q(z|x) with `rsample`, and unless alpha is 1 a closed-form `kl` to the
    prior.
    """

    mean_over_data = False  # of pairs of the whole minibatch

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
                f"objective.weight={weight:g}: alpha + weight - 1 would reward a discrepancy; allowed: a number >= 1 - alpha; "
                f"try: objective.weight={1 - alpha:g}"
            )
        self.alpha, self.weight, self.samples, self.bandwidth = alpha, weight, samples, bandwidth

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """One minibatch, one update of theta and phi."""
        x, _, noise = next(stream)
        if len(x) < 2:
            raise UserError("batch_size=1: MMD^2 is of pairs; allowed: an integer >= 2; try: batch_size=100")
        qz_x, pz = model.encoder(x), model.prior()
        z = qz_x.rsample(noise, self.samples)
        reconstruction = model.decoder(z).log_prob(x).mean()
        prior = pz.mean + pz.scale * noise.normal(tuple(z.shape), z.dtype)
        bandwidth = median_distance(z, prior) if self.bandwidth is None else self.bandwidth
        discrepancy = mmd(z, prior, bandwidth).mean()
        loss = (self.alpha + self.weight - 1) * discrepancy - reconstruction
        stats: dict[str, Tensor] = {"reconstruction": reconstruction, "mmd": discrepancy}
        if model.has_density or self.alpha < 1:
            kl = qz_x.kl(pz).mean()
            stats |= {"bound": reconstruction - kl, "kl": kl}
            loss = loss + (1 - self.alpha) * kl if self.alpha < 1 else loss
        yield Update(loss, ("theta", "phi"), len(x), {name: value.detach() for name, value in stats.items()})
