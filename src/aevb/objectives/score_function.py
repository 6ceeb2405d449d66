r"""The score-function estimator (section 2.2, citing Blei, Jordan & Paisley 2012), which the paper sets aside for its variance.

    grad_phi E_q[f(z)] = E_q[f(z) grad_phi log q(z|x)],   f(z) = log p(x, z) - log q(z|x),   z^(l) ~ q(z|x)

f's own dependence on phi adds nothing: E_q[grad_phi log q(z|x)] = 0, and for the same reason a baseline b that does not depend on
z^(l) may be subtracted from f. No gradient passes through z, so q need not be one that can be reparameterised. The gradient in
theta is the plain one, 1/L sum_l grad_theta log p(x, z^(l)).

Baselines: running, the mean of f over past minibatches, each weighing 1 - decay of what is left by its successors (Mnih & Gregor
2014); leave_one_out, the mean over the datapoint's other L - 1 samples (Mnih & Rezende 2016).
"""

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor

from aevb.errors import UserError
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.objectives.objective import Batch, Objective, Update
from aevb.types import Fraction, NonNegativeFloat, PositiveInt

__all__ = ["ScoreFunction", "scored"]


def scored(model: VAE, x: Tensor, noise: Noise, samples: int) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:
    """f (held fixed), log q(z|x) and log p(x, z) of `samples` draws z ~ q(z|x), each (L, M), and an update's stats; x (M, D)."""
    qz_x = model.encoder(x)
    z = qz_x.sample(noise, samples)
    log_pz, log_px_z, log_qz_x = model.prior().log_prob(z), model.decoder(z).log_prob(x), qz_x.log_prob(z)
    log_pxz = log_pz + log_px_z
    f = (log_pxz - log_qz_x).detach()
    stats = {"bound": f.mean(), "reconstruction": log_px_z.mean(), "kl": (log_qz_x - log_pz).mean()}
    return f, log_qz_x, log_pxz, {name: value.detach() for name, value in stats.items()}


class ScoreFunction(Objective):
    """-1/L sum_l [(f_l - b_l) log q(z_l|x) + log p(x, z_l)], f and b held fixed: the gradient is the one above, the value of the
    loss has no meaning. The bound is the mean of f.

    samples: L. baseline: b. decay: of the running one, which begins with 0. weight_prior: see `Objective`.
    """

    capturable = True
    mean_over_data = False  # the running baseline is a mean over the whole minibatch
    mean: Tensor
    weight: Tensor

    def __init__(
        self,
        samples: PositiveInt = 1,
        baseline: Literal["none", "running", "leave_one_out"] = "none",
        decay: Fraction = 0.9,
        weight_prior: NonNegativeFloat = 1.0,
    ) -> None:
        super().__init__(weight_prior)
        if baseline == "leave_one_out" and samples < 2:
            raise UserError(
                f"objective.samples={samples}: leave_one_out needs other samples; allowed: an integer >= 2; "
                "try: objective.samples=5"
            )
        self.samples, self.baseline, self.decay = samples, baseline, decay
        self.register_buffer("mean", torch.zeros(()))  # sum of decayed means of f; with the sum of its weights
        self.register_buffer("weight", torch.zeros(()))

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """One minibatch, one update of theta and phi."""
        x, _, noise = next(stream)
        f, log_qz_x, log_pxz, stats = scored(model, x, noise, self.samples)
        loss = -((f - self._b(f)) * log_qz_x + log_pxz).mean()
        self._remember(f.mean())
        yield Update(loss, ("theta", "phi"), len(x), stats)

    def _b(self, f: Tensor) -> Tensor:
        """The baseline of every f (L, M), from what it does not depend on."""
        if self.baseline == "leave_one_out":
            return (f.sum(0) - f) / (len(f) - 1)
        if self.baseline == "running":
            return self.mean / self.weight.clamp(min=1 - self.decay)  # 0 / positive before the first
        return torch.zeros_like(f)

    def _remember(self, mean: Tensor) -> None:
        # In place: a block that is taken again finds them as they were at its beginning.
        self.mean.mul_(self.decay).add_((1 - self.decay) * mean)
        self.weight.mul_(self.decay).add_(1 - self.decay)
