r"""Neural variational inference and learning (Mnih & Gregor 2014): the score function with a learnt baseline for every x.

    f = log p(x, z) - log q(z|x),   z ~ q(z|x)
    phi      up  (f - b(x) - c) / max(1, s)  grad_phi log q(z|x)
    theta    up  grad_theta log p(x, z)
    b        down  (f - b(x) - c)^2

b is a network of one hidden layer, c and s^2 running mean and variance of f - b(x). The paper updates c and s with the minibatch
at hand and then uses them; here they are those of the minibatches before, so that neither depends on its z and the direction
in phi is unbiased. Its length is not: s shortens phi's step where f is of large variance.
b changes with phi's optimiser, and by its learning rate.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from aevb.models.vae import VAE
from aevb.nn.matmul import Linear
from aevb.objectives.objective import Batch, Objective, Update
from aevb.objectives.score_function import scored
from aevb.types import Fraction, NonNegativeFloat, PositiveInt

__all__ = ["NVIL"]


class NVIL(Objective):
    """-1/L sum_l [(f_l - b - c) / max(1, s) log q(z_l|x) + log p(x, z_l)] + (f_l - b - c)^2, where what stands before log q is
    held fixed, and f, c in the square: the gradients are those above, the value has no meaning. The bound is the mean of f.

    data_dim: D. samples: L. baseline_units: hidden units of b (the paper's 100). decay: of c and s^2, the paper's 0.8. normalise:
    whether there is an s. weight_prior: see `Objective`; of b's weights as well.

    Parameters: baseline.*. Buffers: mean, variance: decayed sums; weight: of their weights.
    """

    capturable = True
    mean_over_data = False  # c and s are of the whole minibatch
    mean: Tensor
    variance: Tensor
    weight: Tensor

    def __init__(
        self,
        data_dim: int,
        samples: PositiveInt = 1,
        baseline_units: PositiveInt = 100,
        decay: Fraction = 0.8,
        normalise: bool = True,
        weight_prior: NonNegativeFloat = 1.0,
    ) -> None:
        super().__init__(weight_prior)
        self.samples, self.decay, self.normalise = samples, decay, normalise
        self.baseline = nn.Sequential(Linear(data_dim, baseline_units), nn.Tanh(), Linear(baseline_units, 1))
        with torch.no_grad():
            for parameter in self.baseline.parameters():
                parameter.zero_()  # b = 0 at first
            units = torch.randn(baseline_units, data_dim, generator=torch.Generator().manual_seed(0))
            next(self.baseline.parameters()).copy_(units / data_dim**0.5)
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("variance", torch.zeros(()))
        self.register_buffer("weight", torch.zeros(()))

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """One minibatch, one update of theta, phi and b."""
        x, _, noise = next(stream)
        f, log_qz_x, log_pxz, stats = scored(model, x, noise, self.samples)
        centred = f - self.baseline(x)[:, 0]
        c, scale = self._past()
        signal = (centred.detach() - c) / scale
        loss = -(signal * log_qz_x + log_pxz).mean() + (centred - c).square().mean()
        self._remember(centred.detach())
        yield Update(loss, ("theta", "phi"), len(x), stats)

    def metrics(self) -> dict[str, float]:
        """signal_std: s, nats, of what b and c leave of f."""
        return {"signal_std": (self.variance / self.weight.clamp(min=1 - self.decay)).sqrt().item()}

    def _past(self) -> tuple[Tensor, Tensor]:
        """c and max(1, s) of the minibatches before; copies, for the buffers go on."""
        weight = self.weight.clamp(min=1 - self.decay)  # 0 / positive before the first
        scale = (self.variance / weight).sqrt().clamp(min=1) if self.normalise else torch.ones_like(self.mean)
        return self.mean / weight, scale

    def _remember(self, centred: Tensor) -> None:
        for buffer, value in (
            (self.mean, centred.mean()),
            (self.variance, centred.var(correction=0)),
            (self.weight, 1.0),
        ):
            buffer.mul_(self.decay).add_((1 - self.decay) * value)
