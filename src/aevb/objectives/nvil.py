r"""Neural variational inference and learning (Mnih & Gregor 2014): the score function with a learnt baseline b(x).

    f = log p(x, z) - log q(z|x),   z ~ q(z|x)
    phi      ascends   (f - b(x) - c) / max(1, s)  grad_phi log q(z|x)
    theta    ascends   grad_theta log p(x, z)
    b        descends  (f - b(x) - c)^2

b is a network with one hidden layer; c and s^2 are the running mean and variance of f - b(x). The
paper updates c and s with the present minibatch before using them. Here they are those of the
earlier minibatches, so that neither depends on the present z and the direction of the gradient with
respect to phi is unbiased. Its length is scaled by 1 / max(1, s), which shortens the step of phi
where the variance of f is large. b is trained by the optimizer of phi, with the same learning rate.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from aevb.models.vae import VAE
from aevb.nn.matmul import Linear
from aevb.objectives.objective import Batch, Objective, Update
from aevb.objectives.score_function import scored
from aevb.types import Decay, NonNegativeFloat, PositiveInt, Seed

__all__ = ["NVIL"]


class NVIL(Objective):
    """The score-function estimator with the baseline of NVIL.

    The loss is -1/L sum_l [(f_l - b - c) / max(1, s) log q(z_l|x) + log p(x, z_l)] + (f_l - b -
    c)^2. The factor of log q and, in the square, f and c are held fixed: the gradients are those
    above and the value of the loss has no meaning. The reported bound is the mean of f.

    Args:
        data_dim: Number of pixels, D.
        samples: Number of draws of z per datapoint, L.
        baseline_units: Number of hidden units of b; 100 in the paper.
        decay: Decay of c and s^2 per minibatch; 0.8 in the paper.
        normalise: Whether the signal is divided by max(1, s).
        weight_prior: Precision of the prior on the weights, those of b included (see `Objective`).
        baseline_seed: Seed of the initial weights of b.

    Attributes:
        baseline: The network b.
        mean: Buffer, decayed sum of the means of f - b(x).
        variance: Buffer, decayed sum of the variances of f - b(x).
        weight: Buffer, sum of the weights in the two sums.
    """

    capturable = True
    mean_over_data = False  # c and s are computed from the whole minibatch
    mean: Tensor
    variance: Tensor
    weight: Tensor

    def __init__(
        self,
        data_dim: int,
        samples: PositiveInt = 1,
        baseline_units: PositiveInt = 100,
        decay: Decay = 0.8,
        normalise: bool = True,
        weight_prior: NonNegativeFloat = 1.0,
        baseline_seed: Seed = 0,
    ) -> None:
        super().__init__(weight_prior)
        self.samples, self.decay, self.normalise = samples, decay, normalise
        self.baseline = nn.Sequential(Linear(data_dim, baseline_units), nn.Tanh(), Linear(baseline_units, 1))
        with torch.no_grad():
            for parameter in self.baseline.parameters():
                parameter.zero_()  # b(x) = 0 at the start
            units = torch.randn(baseline_units, data_dim, generator=torch.Generator().manual_seed(baseline_seed))
            next(self.baseline.parameters()).copy_(units / data_dim**0.5)
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("variance", torch.zeros(()))
        self.register_buffer("weight", torch.zeros(()))

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta, phi and b for one minibatch (see `Objective.forward`)."""
        x, _, noise = next(stream)
        f, log_qz_x, log_pxz, stats = scored(model, x, noise, self.samples)
        centred = f - self.baseline(x)[:, 0]
        c, scale = self._past()
        signal = (centred.detach() - c) / scale
        loss = -(signal * log_qz_x + log_pxz).mean() + (centred - c).square().mean()
        self._remember(centred.detach())
        yield Update(loss, ("theta", "phi"), len(x), stats)

    def metrics(self) -> dict[str, float]:
        """Return signal_std, s: the running standard deviation of f - b(x), nats."""
        return {"signal_std": (self.variance / self.weight.clamp(min=1 - self.decay)).sqrt().item()}

    def _past(self) -> tuple[Tensor, Tensor]:
        """c and max(1, s) of the earlier minibatches; new tensors, because the buffers change before backward."""
        weight = self.weight.clamp(min=1 - self.decay)  # no division by zero at the first minibatch
        scale = (self.variance / weight).sqrt().clamp(min=1) if self.normalise else torch.ones_like(self.mean)
        return self.mean / weight, scale

    def _remember(self, centred: Tensor) -> None:
        for buffer, value in (
            (self.mean, centred.mean()),
            (self.variance, centred.var(correction=0)),
            (self.weight, 1.0),
        ):
            buffer.mul_(self.decay).add_((1 - self.decay) * value)
