r"""Full variational Bayes over z and theta (appendix F, eq. 24): the decoder's parameters have a posterior.

    repeat (Algorithm 2)
        X^M <- random minibatch of M datapoints
        theta^(l) = mu_theta + sigma_theta * zeta^(l),   z^(l) = mu(x) + sigma(x) * eps^(l),   l = 1..L
        L(x) = -KL(q(z|x) || p(z)) + 1/L sum_l log p(x | z^(l), theta^(l))
        mu_theta, sigma_theta, phi <- one ascent step on  N * minibatch mean of L(x) - KL(q(theta) || p(theta))

This differs from the text of the paper in two points: N multiplies only the terms of the
datapoints, and theta is drawn once for a minibatch, where Algorithm 2 draws it for every datapoint.
Both KL divergences are exact; p(z) and p(theta) are N(0, I). The loss is the objective above
divided by -N.
"""

from collections.abc import Iterator

import torch

from aevb.errors import UserError
from aevb.models.vae import VAE
from aevb.models.weight_posterior import SampledDecoder
from aevb.objectives.objective import Batch, Objective, Update, detached
from aevb.types import PositiveInt

__all__ = ["FullVB"]


class FullVB(Objective):
    """-KL(q(z|x) || p(z)) + E log p(x|z, theta) - KL(q(theta) || p(theta)) / N, a lower bound of log p(X) / N.

    Requires a model with a q(theta). Evaluators use the mean of q(theta); evaluator=predictive
    averages over q(theta). The reported bound includes the KL divergence of theta, so it is lower
    than the bound at the posterior mean by KL(q(theta) || p(theta)) / N, and as a rule by more, because the
    networks that are drawn from q(theta) are worse than that of its mean.

    Args:
        n_train: Number of training images, N.
        samples: Number of draws of theta per minibatch, L; each has its own z for every datapoint.

    Raises:
        UserError: From `forward`: the model has no q(theta).
    """

    capturable = True
    weight_prior_of = ()  # the bound contains p(theta) already
    over_theta = True
    reparameterised = True
    closed_form_kl = True

    def __init__(self, n_train: int, samples: PositiveInt = 1) -> None:
        super().__init__(weight_prior=0.0)
        self.n_train, self.samples = n_train, samples

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of q(theta) and phi for one minibatch (see `Objective.forward`)."""
        if model.theta_posterior is None:
            raise UserError(
                "objective=full_vb: the model has no q(theta); allowed: a model that has one; "
                "try: model.theta_log_var=-6"
            )
        x, _, noise = next(stream)
        q_theta, qz_x = model.theta_posterior(model.decoder), model.encoder(x)
        z = qz_x.rsample(noise, self.samples)
        # The draw is the same on all ranks, whatever rows of the minibatch they have.
        theta = q_theta.rsample(noise.of_all("theta"), self.samples)
        networks = [SampledDecoder(model.decoder, theta_l) for theta_l in theta]
        log_px_z = torch.stack([network(z_l).log_prob(x) for network, z_l in zip(networks, z, strict=True)]).mean()
        kl = qz_x.kl(model.prior()).mean()
        kl_theta = q_theta.kl(model.theta_posterior.prior()) / self.n_train
        bound = log_px_z - kl - kl_theta
        stats = {"bound": bound, "reconstruction": log_px_z, "kl": kl, "kl_theta": kl_theta}
        yield Update(-bound, ("theta", "phi"), len(x), detached(stats))
