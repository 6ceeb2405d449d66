r"""The bound with another weight on the KL divergence: beta-VAE, warm-up, free bits; the usual cures of posterior collapse.

    loss = -E_q log p(x|z) + w(t) sum_j max(lambda, KL_j),   KL_j = mean over the minibatch of KL(q(z_j|x) || p(z_j))
    w(t) = beta min(1, t / T),   t training samples seen before this minibatch

beta: Higgins et al. 2017 (eq. 4), beta > 1; below 1 it is the lecture's cure of collapse. Warm-up, linear from 0: Bowman et al.
2016, Soenderby et al. 2016. Free bits: Kingma et al. 2016 (eq. 15): a dimension whose mean KL is below lambda is not pushed
towards the prior, so its KL has no gradient there.

For beta >= 1 and no free bits -loss is a lower bound of log p(x), a looser one; for beta < 1, during warm-up and where free bits
bite it is no bound at all. For a decoder N(f(z), s^2) whose s is held fixed, beta is nothing but a noise variance beta s^2: the
optimum is that of the bound of this other model (Lucas et al. 2019), which collapses once beta s^2 is above the data's variance
in every direction.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from aevb.distributions import DiagonalNormal
from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update
from aevb.types import NonNegativeFloat, NonNegativeInt, PositiveInt

__all__ = ["BetaVAE"]


class BetaVAE(Objective):
    """The loss above. What it reports as the bound is the bound (eq. 10), whatever the loss is: curves can be compared.

    samples: L. beta: weight of the KL divergence at the end of the warm-up. warm_up: T, training samples; 0: none. free_bits:
    lambda, nats for each latent dimension; 0: none. weight_prior: see `Objective`. Needs q(z|x) and p(z) that are
    `DiagonalNormal`. Buffer: seen, t.
    """

    capturable = True
    mean_over_data = False  # free bits take the minibatch's mean KL before the maximum
    seen: Tensor

    def __init__(
        self,
        samples: PositiveInt = 1,
        beta: NonNegativeFloat = 1.0,
        warm_up: NonNegativeInt = 0,
        free_bits: NonNegativeFloat = 0.0,
        weight_prior: NonNegativeFloat = 1.0,
    ) -> None:
        super().__init__(weight_prior)
        self.samples, self.beta, self.warm_up, self.free_bits = samples, beta, warm_up, free_bits
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """One minibatch, one update of theta and phi."""
        x, _, noise = next(stream)
        qz_x = model.encoder(x)
        z = qz_x.rsample(noise, self.samples)
        reconstruction = model.decoder(z).log_prob(x).mean()
        kl = kl_of_each(qz_x, model.prior()).mean(0)
        paid = kl.clamp(min=self.free_bits) if self.free_bits else kl  # KL is positive but for rounding
        loss = self.kl_weight.to(kl) * paid.sum() - reconstruction
        self.seen.add_(len(x))  # in place: a block that is taken again finds it as it was at its beginning
        stats = {
            "bound": (reconstruction - kl.sum()).detach(),
            "reconstruction": reconstruction.detach(),
            "kl": kl.sum().detach(),
        }
        yield Update(loss, ("theta", "phi"), len(x), stats)

    @property
    def kl_weight(self) -> Tensor:
        """w(t) of the next minibatch, a scalar."""
        return self.beta * (self.seen.double() / max(1, self.warm_up)).clamp(min=0 if self.warm_up else 1, max=1)

    def metrics(self) -> dict[str, float]:
        """kl_weight: w."""
        return {"kl_weight": self.kl_weight.item()}


def kl_of_each(qz_x: DiagonalNormal, pz: DiagonalNormal) -> Tensor:
    """KL(q(z_j|x) || p(z_j)) in nats, (M, J)."""
    one_by_one = DiagonalNormal(qz_x.mean[..., None], qz_x.log_var[..., None])
    return one_by_one.kl(DiagonalNormal(pz.mean[..., None], pz.log_var[..., None]))
