r"""The lower bound with a different weight on the KL divergence: beta-VAE, KL warm-up and free bits.

    loss = -E_q log p(x|z) + w(t) sum_j max(lambda, KL_j),   KL_j = mean over the minibatch of KL(q(z_j|x) || p(z_j))
    w(t) = beta min(1, t / T),   t = number of training samples seen before this minibatch

- beta: Higgins et al. 2017 (eq. 4) with beta > 1; beta < 1 counteracts posterior collapse.
- Warm-up, linear from 0: Bowman et al. 2016, Soenderby et al. 2016.
- Free bits: Kingma et al. 2016 (eq. 15). The KL divergence of a dimension whose mean is below
  lambda has no gradient, so that dimension is not pushed towards the prior.

Where w(t) >= 1, -loss is a lower bound of log p(x), looser where w(t) > 1 or the free bits are
active. Where w(t) < 1, for beta < 1 or early in the warm-up, it need not be one. For a
decoder N(f(z), s^2) with a fixed s, beta is equivalent to the noise variance beta s^2: the optimum
is that of the bound of the model with this variance. With a linear f it collapses when beta s^2
exceeds the variance of the data in every direction (Lucas et al. 2019).
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from aevb.distributions import DiagonalNormal
from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update, detached, require_diagonal_normal
from aevb.types import NonNegativeFloat, NonNegativeInt, PositiveInt

__all__ = ["BetaVAE"]


class BetaVAE(Objective):
    """The loss above; requires q(z|x) and p(z) that are `DiagonalNormal`.

    The reported bound is the lower bound (eq. 10) whatever the loss is, so that curves of different
    losses can be compared.

    Args:
        samples: Number of draws of z per datapoint, L.
        beta: Weight of the KL divergence at the end of the warm-up.
        warm_up: Length of the warm-up in training samples, T; 0: no warm-up.
        free_bits: lambda in nats per latent dimension; 0: no free bits.
        weight_prior: Precision of the prior on the weights (see `Objective`).

    Attributes:
        seen: Buffer, t, number of training samples seen so far.

    Raises:
        UserError: From `forward`: q(z|x) or p(z) is not a `DiagonalNormal`.
    """

    capturable = True
    reparameterised = True
    normal_posterior = True
    normal_prior = True
    no_mean_with = ("free_bits",)  # the maximum is taken of the mean KL of the minibatch
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
        """Yield one update of theta and phi for one minibatch (see `Objective.forward`)."""
        batch = next(stream)
        x, noise = batch.x, batch.noise
        qz_x, pz = model.encoder(x), model.prior()
        require_diagonal_normal("beta_vae", qz_x)
        require_diagonal_normal("beta_vae", pz)
        z = qz_x.rsample(noise, self.samples)
        reconstruction = model.decoder(z).log_prob(x).mean()
        kl = kl_of_each(qz_x, pz).mean(0)
        paid = kl.clamp(min=self.free_bits) if self.free_bits else kl  # kl >= 0 up to rounding
        loss = self.kl_weight.to(kl) * paid.sum() - reconstruction
        self.seen.add_(batch.counted)  # in place: the state is restored when a block of minibatches is repeated
        stats = {"bound": reconstruction - kl.sum(), "reconstruction": reconstruction, "kl": kl.sum()}
        yield Update(loss, ("theta", "phi"), len(x), detached(stats))

    @property
    def kl_weight(self) -> Tensor:
        """w(t), the weight of the KL divergence at the next minibatch, a scalar."""
        return self.beta * (self.seen.double() / max(1, self.warm_up)).clamp(min=0 if self.warm_up else 1, max=1)

    def metrics(self) -> dict[str, float]:
        """Return kl_weight, the present weight of the KL divergence."""
        return {"kl_weight": self.kl_weight.item()}


def kl_of_each(qz_x: DiagonalNormal, pz: DiagonalNormal) -> Tensor:
    """Return the KL divergence of each latent dimension separately.

    Args:
        qz_x: q(z|x) over (M, J).
        pz: p(z) over (J,).

    Returns:
        KL(q(z_j|x) || p(z_j)) in nats, (M, J).
    """
    one_by_one = DiagonalNormal(qz_x.mean[..., None], qz_x.log_var[..., None])
    return one_by_one.kl(DiagonalNormal(pz.mean[..., None], pz.log_var[..., None]))
