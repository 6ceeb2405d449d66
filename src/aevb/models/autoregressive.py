r"""A Bernoulli decoder in which every pixel also sees the pixels before it: strong enough to do without z.

    log p(x|z) = sum_d log Bernoulli(x_d; y_d),   y_d = sigmoid(f_d(z) + g_d(x_{<d})),   f(z) = W2 tanh(W1 z + b1) + b2

    g_d = sum_{c < d} A_dc x_c                                                    logistic regression on the pixels before
        + sum_{k: m_k < d} V_dk tanh(sum_{c <= m_k} U_kc x_c + u_k)               masked hidden units, if there are any

With f constant the first is the fully visible sigmoid belief network (Frey 1998), both are MADE with direct connections (Germain
et al. 2015), a hidden unit's number m_k the last pixel that it sees. What it can say about x without z costs no KL divergence, so
z may come to say nothing: the decoder of posterior collapse (Bowman et al. 2016, Chen et al. 2017), for a few products.

What to watch: x must be binary; at grey x the expression is no log-probability of anything.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from aevb.distributions import Bernoulli
from aevb.nn.matmul import Linear, affine
from aevb.nn.mlp import Activation, activation_function
from aevb.noise import Noise
from aevb.types import NonNegativeInt, PositiveInt

__all__ = ["AutoregressiveBernoulli", "AutoregressiveDecoder", "Context"]


class Context(nn.Module):
    """g: x (..., D) -> (..., D), of which the d-th number is a function of the pixels before d.

    hidden_dim: masked hidden units. Parameters: direct (D, D), of which A is the part below the diagonal; with hidden units also
    inner (H, D), bias (H,) and outer (D, H), of which the masks leave U, u and V.
    """

    sees: Tensor
    is_seen: Tensor

    def __init__(self, data_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.direct = nn.Parameter(torch.zeros(data_dim, data_dim))
        self.hidden_dim = hidden_dim
        if hidden_dim:
            self.inner = nn.Parameter(torch.zeros(hidden_dim, data_dim))
            self.bias = nn.Parameter(torch.zeros(hidden_dim))
            self.outer = nn.Parameter(torch.zeros(data_dim, hidden_dim))
            pixels, last = torch.arange(data_dim), torch.arange(hidden_dim) * (data_dim - 1) // hidden_dim
            self.register_buffer("sees", pixels <= last[:, None], persistent=False)
            self.register_buffer("is_seen", last < pixels[:, None], persistent=False)

    def weights(self) -> tuple[Tensor, Tensor, Tensor]:
        """A (D, D), U (H, D), V (D, H)."""
        direct = self.direct.tril(-1)
        if not self.hidden_dim:
            return direct, direct[:0], direct[:, :0]
        return direct, self.inner * self.sees, self.outer * self.is_seen

    def forward(self, x: Tensor) -> Tensor:
        """All pixels at once."""
        direct, inner, outer = self.weights()
        g = affine(x, direct, torch.zeros_like(direct[0]))
        if self.hidden_dim:
            g = g + affine(torch.tanh(affine(x, inner, self.bias)), outer, torch.zeros_like(direct[0]))
        return g

    @torch.no_grad()
    def in_order(self, logits: Tensor, pixel: Callable[[Tensor, int], Tensor], shape: torch.Size) -> Tensor:
        """x of that shape (..., D), pixel after pixel: x_d = pixel(sigmoid(logits_d + g_d), d), logits (..., D)."""
        direct, inner, outer = self.weights()
        x = logits.new_zeros(shape)
        hidden = logits.new_zeros(*shape[:-1], self.hidden_dim) + (self.bias if self.hidden_dim else 0.0)
        for d in range(shape[-1]):
            g = x[..., :d] @ direct[d, :d] + torch.tanh(hidden) @ outer[d]
            x[..., d] = pixel(torch.sigmoid(logits[..., d] + g), d)
            hidden += x[..., d, None] * inner[:, d]
        return x


class AutoregressiveBernoulli:
    """p(x) = prod_d Bernoulli(x_d; sigmoid(logits_d + g_d(x_{<d}))).

    logits: (..., D). context: g.
    """

    def __init__(self, logits: Tensor, context: Context) -> None:
        self.logits, self.context = logits, context

    def given(self, value: Tensor) -> Bernoulli:
        """Every pixel's distribution given those of `value` (..., D) before it."""
        return Bernoulli(self.logits + self.context(value))

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value), (...), of binary values."""
        return self.given(value).log_prob(value)

    @property
    def mean(self) -> Tensor:
        """For pictures: each pixel's probability given the probabilities before it, (..., D). The mean has no closed form."""
        return self.context.in_order(self.logits, lambda probability, d: probability, self.logits.shape)

    def sample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """Draws in {0, 1}: (..., D), or (samples, ..., D), pixel after pixel."""
        lead = () if samples is None else (samples,)
        u = noise.uniform((*lead, *self.logits.shape), self.logits.dtype)
        return self.context.in_order(self.logits, lambda probability, d: (u[..., d] < probability).to(u.dtype), u.shape)


class AutoregressiveDecoder(nn.Module):
    """p(x|z) as above, one hidden layer behind f.

    data_dim: D. latent_dim: J. hidden_dim: units of f. context_dim: masked hidden units of g. Parameters: hidden.*, logits.*,
    context.* (`Context`).
    """

    unit_interval = True
    binary_targets = True

    def __init__(
        self,
        data_dim: int,
        latent_dim: PositiveInt,
        hidden_dim: PositiveInt,
        activation: Activation = "tanh",
        context_dim: NonNegativeInt = 0,
    ) -> None:
        super().__init__()
        self.context = Context(data_dim, context_dim)  # first: the initialisation draws numbers in this order
        self.hidden = Linear(latent_dim, hidden_dim)
        self.logits = Linear(hidden_dim, data_dim)
        self.activation = activation_function(activation)

    def forward(self, z: Tensor) -> AutoregressiveBernoulli:
        """z (..., J) -> p(x|z) over (..., D)."""
        return AutoregressiveBernoulli(self.logits(self.activation(self.hidden(z))), self.context)
