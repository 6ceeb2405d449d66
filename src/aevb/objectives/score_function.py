r"""The score-function estimator, which the paper rejects for its high variance.

Section 2.2, citing Blei, Jordan & Paisley 2012:

    grad_phi E_q[f(z)] = E_q[f(z) grad_phi log q(z|x)],   f(z) = log p(x, z) - log q(z|x),   z^(l) ~ q(z|x)

The dependence of f on phi contributes nothing, because E_q[grad_phi log q(z|x)] = 0. For the same
reason a baseline b that does not depend on z^(l) may be subtracted from f. No gradient passes
through z, so q(z|x) need not be reparameterisable. The gradient with respect to theta is 1/L sum_l
grad_theta log p(x, z^(l)).

Baselines:

- running: the exponentially decayed mean of f over the earlier minibatches (Mnih & Gregor 2014).
- leave_one_out: the mean of f over the other L - 1 samples of the same datapoint (Mnih & Rezende
  2016).
"""

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor

from aevb.errors import UserError
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.objectives.objective import Batch, Objective, Update, detached
from aevb.types import Decay, NonNegativeFloat, PositiveInt

__all__ = ["ScoreFunction", "scored"]


def scored(model: VAE, x: Tensor, noise: Noise, samples: int) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:
    """Draw z ~ q(z|x) and compute what score-function estimators need.

    Args:
        model: The model.
        x: Images, (M, D).
        noise: The random numbers.
        samples: Number of draws of z per datapoint, L.

    Returns:
        f without a gradient, log q(z|x) and log p(x, z), (L, M) each, in nats, and the stats of an
        update.
    """
    qz_x = model.encoder(x)
    z = qz_x.sample(noise, samples)
    log_pz, log_px_z, log_qz_x = model.prior().log_prob(z), model.decoder(z).log_prob(x), qz_x.log_prob(z)
    log_pxz = log_pz + log_px_z
    f = (log_pxz - log_qz_x).detach()
    stats = {"bound": f.mean(), "reconstruction": log_px_z.mean(), "kl": (log_qz_x - log_pz).mean()}
    return f, log_qz_x, log_pxz, detached(stats)


class ScoreFunction(Objective):
    """The score-function estimator.

    The loss is -1/L sum_l [(f_l - b_l) log q(z_l|x) + log p(x, z_l)] with f and b held fixed: its
    gradient is the one above and its value has no meaning. The reported bound is the mean of f.

    Args:
        samples: Number of draws of z per datapoint, L.
        baseline: The baseline b: "none", "running" or "leave_one_out".
        decay: Decay of the running baseline per minibatch; it starts at 0.
        weight_prior: Precision of the prior on the weights (see `Objective`).

    Attributes:
        mean: Buffer, decayed sum of the means of f.
        weight: Buffer, sum of the weights in that sum.

    Raises:
        UserError: The baseline is "leave_one_out" and `samples` is 1.
    """

    capturable = True
    mean_over_data = False  # the running baseline is a mean over the whole minibatch
    mean: Tensor
    weight: Tensor

    def __init__(
        self,
        samples: PositiveInt = 1,
        baseline: Literal["none", "running", "leave_one_out"] = "none",
        decay: Decay = 0.9,
        weight_prior: NonNegativeFloat = 1.0,
    ) -> None:
        super().__init__(weight_prior)
        if baseline == "leave_one_out" and samples < 2:
            raise UserError(
                f"objective.samples={samples}: baseline=leave_one_out needs at least two samples; "
                "allowed: an integer >= 2; try: objective.samples=5"
            )
        self.samples, self.baseline, self.decay = samples, baseline, decay
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("weight", torch.zeros(()))

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta and phi for one minibatch (see `Objective.forward`)."""
        x, _, noise = next(stream)
        f, log_qz_x, log_pxz, stats = scored(model, x, noise, self.samples)
        loss = -((f - self._b(f)) * log_qz_x + log_pxz).mean()
        self._remember(f.mean())
        yield Update(loss, ("theta", "phi"), len(x), stats)

    def _b(self, f: Tensor) -> Tensor:
        """The baseline of every entry of f, (L, M), from numbers that do not depend on its z."""
        if self.baseline == "leave_one_out":
            return (f.sum(0) - f) / (len(f) - 1)
        if self.baseline == "running":
            return self.mean / self.weight.clamp(min=1 - self.decay)  # no division by zero at the first minibatch
        return torch.zeros_like(f)

    def _remember(self, mean: Tensor) -> None:
        # In place: the state is restored when a block of minibatches is repeated.
        self.mean.mul_(self.decay).add_((1 - self.decay) * mean)
        self.weight.mul_(self.decay).add_(1 - self.decay)
