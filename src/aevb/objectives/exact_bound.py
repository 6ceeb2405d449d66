r"""The exact lower bound of a model with few binary latent variables, summed over all 2^J codes.

    L(x) = sum_z q(z|x) [log p(x, z) - log q(z|x)]

Its gradient is what all estimators for binary latent variables estimate. The choice of the
minibatch is the only noise, so this objective shows the most that a better estimator could gain.
Limited to J <= 12.
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
    """The loss -L with its exact gradient; requires a Bernoulli q(z|x) with J <= 12.

    Args:
        weight_prior: Precision of the prior on the weights (see `Objective`).

    Raises:
        UserError: From `forward`: q(z|x) is not Bernoulli, or J > 12.
    """

    def __init__(self, weight_prior: NonNegativeFloat = 1.0) -> None:
        super().__init__(weight_prior)

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta and phi for one minibatch (see `Objective.forward`)."""
        x = next(stream).x
        qz_x = model.encoder(x)
        if not isinstance(qz_x, Bernoulli) or qz_x.logits.shape[-1] > MAX_LATENT_DIM:
            raise UserError(
                f"objective=exact_bound: q(z|x) is a {type(qz_x).__name__} with latent_dim={qz_x.mean.shape[-1]}; "
                f"allowed: a Bernoulli q(z|x) with latent_dim <= {MAX_LATENT_DIM}; "
                "try: model=binary latent_dim=8, or objective=vimco"
            )
        log_q = qz_x.log_prob(codes(qz_x.logits.shape[-1], x)[:, None])
        reconstruction = (log_q.exp() * log_joint_of_codes(model, x)).sum(0).mean()
        bound = reconstruction + qz_x.entropy().mean()
        kl = qz_x.kl(model.prior()).mean().detach()
        yield Update(
            -bound, ("theta", "phi"), len(x), {"bound": bound.detach(), "reconstruction": bound.detach() + kl, "kl": kl}
        )
