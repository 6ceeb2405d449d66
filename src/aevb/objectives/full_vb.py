r"""Full variational Bayes over z and theta (appendix F, eq. 24): the decoder's parameters are inferred, not estimated.

    repeat (Algorithm 2)
        X^M <- random minibatch of M datapoints
        theta^(l) = mu_theta + sigma_theta * zeta^(l),   z^(l) = mu(x) + sigma(x) * eps^(l),   l = 1..L
        L(x) = -KL(q(z|x) || p(z)) + 1/L sum_l log p(x | z^(l), theta^(l))
        mu_theta, sigma_theta, phi <- one step up the gradient of  N * minibatch mean of L(x) - KL(q(theta) || p(theta))

Two slips of the text: N multiplies the datapoints' terms alone, and theta is drawn for a minibatch, where Algorithm 2 draws it
for a datapoint. Both KL divergences are exact, p(z) and p(theta) are N(0, I). The loss is the above divided by -N.
"""

from collections.abc import Iterator

import torch

from aevb.errors import UserError
from aevb.models.vae import VAE
from aevb.models.weight_posterior import Drawn
from aevb.objectives.objective import Batch, Objective, Update
from aevb.types import PositiveInt

__all__ = ["FullVB"]


class FullVB(Objective):
    """-KL(q(z|x) || p(z)) + E log p(x|z, theta) - KL(q(theta) || p(theta)) / N, a lower bound of log p(X) / N.

    n_train: N. samples: L, draws of theta for a minibatch, each with a z of its own for every datapoint. Needs a model with a
    q(theta), of which evaluations see the mean (evaluator=predictive averages over it). The bound it reports pays for theta,
    so it lies below that of the posterior mean by more than KL(q(theta) || p(theta)) / N.
    """

    capturable = True
    weight_prior_of = ()  # p(theta) is in the bound
    over_theta = True
    reparameterised = True

    def __init__(self, n_train: int, samples: PositiveInt = 1) -> None:
        super().__init__(weight_prior=0.0)
        self.n_train, self.samples = n_train, samples

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """One minibatch, one update of q(theta) and phi."""
        if model.theta_posterior is None:
            raise UserError("objective=full_vb: the model has no q(theta); try: model.theta_log_var=-6")
        x, _, noise = next(stream)
        q_theta, qz_x = model.theta_posterior(model.decoder), model.encoder(x)
        z = qz_x.rsample(noise, self.samples)
        # Of all ranks the same, whatever rows of the minibatch they have.
        theta = q_theta.rsample(noise.of_all("theta"), self.samples)
        networks = [Drawn(model.decoder, theta_l) for theta_l in theta]
        log_px_z = torch.stack([network(z_l).log_prob(x) for network, z_l in zip(networks, z, strict=True)]).mean()
        kl = qz_x.kl(model.prior()).mean()
        kl_theta = q_theta.kl(model.theta_posterior.prior()) / self.n_train
        bound = log_px_z - kl - kl_theta
        stats = {"bound": bound, "reconstruction": log_px_z, "kl": kl, "kl_theta": kl_theta}
        yield Update(-bound, ("theta", "phi"), len(x), {name: value.detach() for name, value in stats.items()})
