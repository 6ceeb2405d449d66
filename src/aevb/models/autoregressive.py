r"""A Bernoulli decoder in which every pixel also sees the pixels before it: strong enough to do without z.

    log p(x|z) = sum_d log Bernoulli(x_d; y_d),   y_d = sigmoid(f_d(z) + sum_{c < d} A_dc x_c),   f(z) = W2 tanh(W1 z + b1) + b2

With f constant it is the fully visible sigmoid belief network (Frey 1998), logistic regression of every pixel on its
predecessors, row by row. What it can say about x without z costs no KL divergence, so z may come to say nothing: the decoder of
posterior collapse (Bowman et al. 2016, Chen et al. 2017), as cheap as one more matrix product.

What to watch: x must be binary; at grey x the expression is no log-probability of anything.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from aevb.distributions import Bernoulli
from aevb.models.mlp import Activation, activation_function
from aevb.noise import Noise
from aevb.products import Linear, affine
from aevb.ranges import PositiveInt

__all__ = ["AutoregressiveBernoulli", "AutoregressiveDecoder"]


class AutoregressiveBernoulli:
    """p(x) = prod_d Bernoulli(x_d; sigmoid(logits_d + sum_{c < d} weight_dc x_c)).

    logits: (..., D). weight: (D, D), zero on and above the diagonal.
    """

    def __init__(self, logits: Tensor, weight: Tensor) -> None:
        self.logits, self.weight = logits, weight

    def given(self, value: Tensor) -> Bernoulli:
        """Every pixel's distribution given those of `value` (..., D) before it."""
        return Bernoulli(self.logits + affine(value, self.weight, torch.zeros_like(self.weight[0])))

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value), (...), of binary values."""
        return self.given(value).log_prob(value)

    @property
    def mean(self) -> Tensor:
        """For pictures: each pixel's probability given the probabilities before it, (..., D). The mean has no closed form."""
        return self._in_order(lambda probability, d: probability, self.logits.shape)

    def sample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """Draws in {0, 1}: (..., D), or (samples, ..., D), pixel after pixel."""
        lead = () if samples is None else (samples,)
        u = noise.uniform((*lead, *self.logits.shape), self.logits.dtype)
        return self._in_order(lambda probability, d: (u[..., d] < probability).to(u.dtype), u.shape)

    @torch.no_grad()
    def _in_order(self, pixel: Callable[[Tensor, int], Tensor], shape: torch.Size) -> Tensor:
        x = self.logits.new_zeros(shape)
        for d in range(shape[-1]):
            x[..., d] = pixel(torch.sigmoid(self.logits[..., d] + x[..., :d] @ self.weight[d, :d]), d)
        return x


class AutoregressiveDecoder(nn.Module):
    """p(x|z) as above, one hidden layer behind f.

    data_dim: D. latent_dim: J. hidden_dim: units. Parameters: hidden.*, logits.*, context (D, D), of which A is the part below
    the diagonal.
    """

    unit_interval = True
    binary_targets = True

    def __init__(
        self, data_dim: int, latent_dim: PositiveInt, hidden_dim: PositiveInt, activation: Activation = "tanh"
    ) -> None:
        super().__init__()
        self.hidden = Linear(latent_dim, hidden_dim)
        self.logits = Linear(hidden_dim, data_dim)
        self.context = nn.Parameter(torch.zeros(data_dim, data_dim))
        self.activation = activation_function(activation)

    def forward(self, z: Tensor) -> AutoregressiveBernoulli:
        """z (..., J) -> p(x|z) over (..., D)."""
        return AutoregressiveBernoulli(self.logits(self.activation(self.hidden(z))), self.context.tril(-1))
