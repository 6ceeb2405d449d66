r"""EM with separate variational parameters for each datapoint (Neal & Hinton 1998; Saul, Jaakkola & Jordan 1996).

    repeat
        X^M <- random minibatch of M datapoints
        E-step:  phi_n <- argmax of L(theta, phi_n; x_n) for each datapoint, starting at the present phi_n
        M-step:  `updates` times:  theta <- one ascent step on the mean of L(theta, phi_n; x_n)     (+ log p(theta) / N)

Nothing is amortised. q is a diagonal normal or a factorial Bernoulli distribution, as the p(z) of
the model is; aevb.estimators.per_image_posterior defines the E-step and its stopping rule. After an
exact E-step the bound is as tight as the family of q allows; the bound of an encoder is lower by
the amortisation gap. There is no q(z|x): conf/objective/variational_em.yaml removes the encoder
from the model, and evaluator=fitted_bound does an E-step for unseen images too.

samples_seen counts the images of the M-steps, M per update, and not the E-steps; compare this
method with others by run time.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from aevb.errors import UserError
from aevb.estimators.per_image_posterior import Fitting, bound_at, fit
from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update, detached
from aevb.types import NonNegativeFloat, PositiveFloat, PositiveInt

__all__ = ["VariationalEM"]

RECENT = 0.05  # weight of the last E-step in the running mean of the number of steps


class VariationalEM(Objective):
    """A complete E-step on a minibatch, then `updates` steps of theta on it.

    Args:
        n_train: Number of training images, N.
        latent_dim: Number of latent dimensions, J.
        samples: Number of draws of z in the E-step and in the M-step, S, where they are not exact.
        tolerance: An E-step ends when a step raises the mean bound by less than this, nats; 0:
            never.
        max_steps: Largest number of steps of an E-step.
        lr: Initial learning rate of a coordinate in the E-step.
        updates: Number of updates of theta per M-step.
        weight_prior: Precision of the prior on the decoder's weights (see `Objective`).

    Attributes:
        phi: Buffer, (N, 2, J): mu and log sigma^2 of every training image, or logits and zeros; it
            starts at N(0, I) or Bernoulli(1/2).
        bounds: Buffer, (N,): the bound of each training image at the end of its last E-step, nats;
            nan before it.
        steps: Buffer, the mean number of steps over about the last 20 E-steps.

    Raises:
        UserError: From `forward`: the images are binarised anew at every presentation.
    """

    no_trained_prior = "fits a normal q(z), whose KL(q || p) has no closed form for a mixture"
    mean_over_data = False  # the end of an E-step depends on the whole minibatch, and phi is shared by all ranks
    weight_prior_of = ("theta",)
    phi: Tensor
    bounds: Tensor
    steps: Tensor

    def __init__(
        self,
        n_train: int,
        latent_dim: PositiveInt,
        samples: PositiveInt = 10,
        tolerance: NonNegativeFloat = 0.01,
        max_steps: PositiveInt = 100,
        lr: PositiveFloat = 0.1,
        updates: PositiveInt = 1,
        weight_prior: NonNegativeFloat = 1.0,
    ) -> None:
        super().__init__(weight_prior)
        self.fitting, self.updates = Fitting(samples, tolerance, max_steps, lr), updates
        self.register_buffer("phi", torch.zeros(n_train, 2, latent_dim))
        self.register_buffer("bounds", torch.full((n_train,), torch.nan))
        self.register_buffer("steps", torch.tensor(torch.nan))

    def round_samples(self, batch_size: int) -> int:
        """Return M for every update (see `Objective.round_samples`)."""
        return self.updates * batch_size

    def metrics(self) -> dict[str, float]:
        """Return e_steps and e_bound.

        e_steps is the mean number of steps over about the last 20 E-steps; e_bound is the mean over
        the training images of the bound at the end of their last E-step, nats.
        """
        return {"e_steps": self.steps.item(), "e_bound": self.bounds.nanmean().item()}

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield `updates` updates of theta for one minibatch (see `Objective.forward`)."""
        if getattr(stream, "dynamic", False):
            raise UserError(
                "objective=variational_em: targets that are drawn anew at every presentation have no fixed "
                "posterior to fit; allowed: fixed targets; try: data.targets=threshold"
            )
        x, index, noise = next(stream)
        phi, bound, steps = fit(model, x, self.phi[index], noise, self.fitting)
        self.phi[index], self.bounds[index] = phi, bound
        self.steps.copy_(torch.lerp(self.steps.nan_to_num(nan=float(steps)), self.steps.new_tensor(steps), RECENT))
        for _ in range(self.updates):
            reconstruction, kl = bound_at(model, x, phi, noise, self.fitting.samples)
            loss = (kl - reconstruction).mean()
            stats = {"bound": -loss, "reconstruction": reconstruction.mean(), "kl": kl.mean()}
            yield Update(loss, ("theta",), len(x), detached(stats))
