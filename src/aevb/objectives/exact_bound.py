r"""The lower bound of a model with few binary latents, summed over all 2^J codes: the gradient that all estimators estimate.

    L(x) = sum_z q(z|x) [log p(x, z) - log q(z|x)]

Valid for J <= 12. No noise but the choice of the minibatch: what a better estimator could win at most.
"""

from collections.abc import Iterator

from aevb.distributions import Bernoulli
from aevb.errors import UserError
from aevb.estimators.enumeration import MAX_LATENT_DIM, codes, log_joint_of_codes
from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update
from aevb.types import NonNegativeFloat

__all__ = ["ExactBound"]


class ExactBound(Objective):
    """-L, with its gradient in theta and phi. weight_prior: see `Objective`. Needs a Bernoulli q(z|x), J <= 12."""

    def __init__(self, weight_prior: NonNegativeFloat = 1.0) -> None:
        super().__init__(weight_prior)

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """One minibatch, one update of theta and phi."""
        x = next(stream).x
        qz_x = model.encoder(x)
        if not isinstance(qz_x, Bernoulli) or qz_x.logits.shape[-1] > MAX_LATENT_DIM:
            raise UserError(
                f"objective=exact_bound: {type(qz_x).__name__} q(z|x) over latent_dim={qz_x.mean.shape[-1]}; allowed: Bernoulli "
                f"over at most {MAX_LATENT_DIM}; try: model=binary latent_dim=8, or objective=vimco"
            )
        log_q = qz_x.log_prob(codes(qz_x.logits.shape[-1], x)[:, None])
        reconstruction = (log_q.exp() * log_joint_of_codes(model, x)).sum(0).mean()
        bound = reconstruction + qz_x.entropy().mean()
        kl = qz_x.kl(model.prior()).mean().detach()
        yield Update(
            -bound, ("theta", "phi"), len(x), {"bound": bound.detach(), "reconstruction": bound.detach() + kl, "kl": kl}
        )
