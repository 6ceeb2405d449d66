r"""EM with variational parameters of each datapoint's own (Neal & Hinton 1998; Saul, Jaakkola & Jordan 1996): no amortisation.

    repeat
        X^M <- random minibatch of M datapoints
        E-step:  phi_n <- argmax of L(theta, phi_n; x_n) for each of them, from where phi_n stands
        M-step:  `updates` times:  theta <- one step up the mean of L(theta, phi_n; x_n)     (+ log p(theta) / N)

q is a diagonal normal or a factorial Bernoulli, as the model's p(z) is; how the E-step goes, and when it ends, says
aevb.estimators.per_image_posterior. After an exact E-step the bound touches log p(x) as closely as the family of q allows: what an
encoder loses beside it is the amortisation gap. No q(z|x): conf/objective/variational_em.yaml takes the encoder out of the model,
and evaluator=fitted_bound gives unseen images an E-step too.

The clock counts what theta sees, M an update; E-steps are not on it, so that methods are to be compared by their seconds.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from aevb.errors import UserError
from aevb.estimators.per_image_posterior import Fitting, bound_at, fit
from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update
from aevb.types import NonNegativeFloat, PositiveFloat, PositiveInt

__all__ = ["VariationalEM"]

RECENT = 0.05  # weight of the last E-step in the mean number of steps


class VariationalEM(Objective):
    """An E-step of a minibatch to its end, then `updates` steps of theta on it.

    n_train: N. latent_dim: J. samples: S, draws behind either step where they are not exact. tolerance: nats; an E-step ends when
    it raises the mean bound by less, 0: never. max_steps: of an E-step at most. lr: first learning rate of a coordinate in it.
    updates: in an M-step. weight_prior: see `Objective`; of the decoder's weights alone.

    Buffers: phi (N, 2, J), mu and log sigma^2 of every training point, or logits and nothing, beginning at N(0, I) or
    Bernoulli(1/2); bounds (N,), each at the end of its last E-step, nan before it; steps, mean over about the last 20 E-steps.
    """

    mean_over_data = False  # where an E-step ends depends on all of the minibatch, and phi is of all data
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
        self.how, self.updates = Fitting(samples, tolerance, max_steps, lr), updates
        self.register_buffer("phi", torch.zeros(n_train, 2, latent_dim))
        self.register_buffer("bounds", torch.full((n_train,), torch.nan))
        self.register_buffer("steps", torch.tensor(torch.nan))

    def round_samples(self, batch_size: int) -> int:
        """M for every update."""
        return self.updates * batch_size

    def metrics(self) -> dict[str, float]:
        """e_steps: of an E-step, mean over about the last 20. e_bound: at the last E-step of each training point
        that had one, mean, nats."""
        return {"e_steps": self.steps.item(), "e_bound": self.bounds.nanmean().item()}

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """One minibatch, `updates` updates of theta."""
        if getattr(stream, "dynamic", False):
            raise UserError(
                "objective=variational_em: targets drawn anew at every presentation have no posterior for phi_n to stay at; "
                "allowed: fixed targets; try: data.targets=threshold"
            )
        x, index, noise = next(stream)
        phi, bound, steps = fit(model, x, self.phi[index], noise, self.how)
        self.phi[index], self.bounds[index] = phi, bound
        self.steps.copy_(torch.lerp(self.steps.nan_to_num(nan=float(steps)), self.steps.new_tensor(steps), RECENT))
        for _ in range(self.updates):
            reconstruction, kl = bound_at(model, x, phi, noise, self.how.samples)
            loss = (kl - reconstruction).mean()
            stats = {"bound": -loss, "reconstruction": reconstruction.mean(), "kl": kl.mean()}
            yield Update(loss, ("theta",), len(x), {name: value.detach() for name, value in stats.items()})
