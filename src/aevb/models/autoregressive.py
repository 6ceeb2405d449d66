r"""A Bernoulli decoder in which every pixel also depends on the earlier pixels: expressive enough to ignore z.

    log p(x|z) = sum_d log Bernoulli(x_d; y_d),   y_d = sigmoid(f_d(z) + g_d(x_{<d})),   f(z) = W2 tanh(W1 z + b1) + b2

    g_d = sum_{c < d} A_dc x_c                                           logistic regression on the earlier pixels
        + sum_{k: m_k < d} V_dk tanh(sum_{c <= m_k} U_kc x_c + u_k)      masked hidden units (optional)

If f is constant, the first term alone is the fully visible sigmoid belief network (Frey 1998); both
terms are MADE with direct connections (Germain et al. 2015), where m_k is the last pixel that
hidden unit k depends on. Information about x that the decoder does not take from z costs no KL
divergence, so z may become uninformative: posterior collapse (Bowman et al. 2016, Chen et al.
2017), at the cost of a few matrix products.

x must be binary. For grey x the expression is not a log-probability.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from aevb.distributions import Bernoulli
from aevb.models.base import Decoder
from aevb.nn.matmul import Linear, affine, tanh_affine
from aevb.nn.mlp import Activation, activation_function
from aevb.noise import Noise
from aevb.types import NonNegativeInt, PositiveInt

__all__ = ["AutoregressiveBernoulli", "AutoregressiveDecoder", "Context", "ContextWeights"]


class Context(nn.Module):
    """The function g of x, (..., D), whose d-th output depends only on the pixels before d.

    Args:
        data_dim: Number of pixels, D.
        hidden_dim: Number of masked hidden units, H; 0: none.

    Attributes:
        direct: Parameter, (D, D); A is its strictly lower triangular part.
        inner: Parameter, (H, D), U before masking; only with hidden units.
        bias: Parameter, (H,), u; only with hidden units.
        outer: Parameter, (D, H), V before masking; only with hidden units.
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

    def forward(self) -> "ContextWeights":
        """Return the function g with the present values of the parameters."""
        direct = self.direct.tril(-1)
        if not self.hidden_dim:
            return ContextWeights(direct, direct[:0], direct[:0, 0], direct[:, :0])
        return ContextWeights(direct, self.inner * self.sees, self.bias, self.outer * self.is_seen)


class ContextWeights(NamedTuple):
    """The masked weights of g, as tensors: a distribution that holds them keeps the values which the decoder had.

    Attributes:
        direct: A, (D, D).
        inner: U, (H, D).
        bias: u, (H,).
        outer: V, (D, H).
    """

    direct: Tensor
    inner: Tensor
    bias: Tensor
    outer: Tensor

    def of(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """Return g for all pixels at once.

        Args:
            x: Binary images, or other vectors, (..., D).
            context: Added to the input of each hidden unit, (..., H); None: nothing.

        Returns:
            g, (..., D).
        """
        zero = torch.zeros_like(self.direct[0])
        g = affine(x, self.direct, zero)
        if len(self.bias):
            g = g + affine(self._units(x, context), self.outer, zero)
        return g

    def _units(self, x: Tensor, context: Tensor | None) -> Tensor:
        if context is None:
            return tanh_affine(x, self.inner, self.bias)
        return torch.tanh(affine(x, self.inner, self.bias) + context)

    @torch.no_grad()
    def in_order(self, logits: Tensor, pixel: Callable[[Tensor, int], Tensor], shape: torch.Size) -> Tensor:
        """Construct images pixel by pixel: x_d = pixel(sigmoid(logits_d + g_d(x_{<d})), d).

        Args:
            logits: f, (..., D).
            pixel: (probability of pixel d, d) -> value of pixel d, (...).
            shape: Shape of the result, (..., D).

        Returns:
            The images x of that shape.
        """
        x = logits.new_zeros(shape)
        hidden = logits.new_zeros(*shape[:-1], len(self.bias)) + self.bias
        for d in range(shape[-1]):
            g = x[..., :d] @ self.direct[d, :d] + torch.tanh(hidden) @ self.outer[d]
            x[..., d] = pixel(torch.sigmoid(logits[..., d] + g), d)
            hidden += x[..., d, None] * self.inner[:, d]
        return x


class AutoregressiveBernoulli:
    """p(x) = prod_d Bernoulli(x_d; sigmoid(logits_d + g_d(x_{<d}))).

    Args:
        logits: f, (..., D).
        context: The function g.
    """

    def __init__(self, logits: Tensor, context: ContextWeights) -> None:
        self.logits, self.context = logits, context

    def conditional(self, value: Tensor) -> Bernoulli:
        """Return the distribution of every pixel given the earlier pixels of `value`, (..., D).

        Args:
            value: Images, (..., D).
        """
        return Bernoulli(self.logits + self.context.of(value))

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log p(value).

        Args:
            value: Binary images, (..., D).

        Returns:
            Log-probabilities in nats, (...).
        """
        return self.conditional(value).log_prob(value)

    @property
    def mean(self) -> Tensor:
        """An approximation for figures, (..., D); the mean has no closed form.

        It is the probability of each pixel given the probabilities, instead of the values, of the
        earlier pixels.
        """
        return self.context.in_order(self.logits, lambda probability, d: probability, self.logits.shape)

    def sample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """Draw images in {0, 1} pixel by pixel.

        Args:
            noise: The random numbers.
            samples: Number of draws per row; None: one draw without a leading axis.

        Returns:
            Draws, (..., D) or (samples, ..., D).
        """
        lead = () if samples is None else (samples,)
        u = noise.uniform((*lead, *self.logits.shape), self.logits.dtype)
        return self.context.in_order(self.logits, lambda probability, d: (u[..., d] < probability).to(u.dtype), u.shape)


class AutoregressiveDecoder(Decoder):
    """The autoregressive p(x|z) above, with one hidden layer in f.

    Args:
        data_dim: Number of pixels, D.
        latent_dim: Number of latent dimensions, J.
        hidden_dim: Number of hidden units of f.
        activation: Activation function of f.
        context_dim: Number of masked hidden units of g, H.
    """

    likelihood = "bernoulli"
    binary_targets = True
    differentiable_mean = False

    def __init__(
        self,
        data_dim: int,
        latent_dim: PositiveInt,
        hidden_dim: PositiveInt,
        activation: Activation = "tanh",
        context_dim: NonNegativeInt = 0,
    ) -> None:
        super().__init__()
        self.context = Context(data_dim, context_dim)  # first, because the initialisation draws numbers in this order
        self.hidden = Linear(latent_dim, hidden_dim)
        self.logits = Linear(hidden_dim, data_dim)
        self.activation = activation_function(activation)

    def forward(self, z: Tensor) -> AutoregressiveBernoulli:
        """Return p(x|z).

        Args:
            z: Latent variables, (..., J).

        Returns:
            p(x|z) over (..., D).
        """
        return AutoregressiveBernoulli(self.logits(self.activation(self.hidden(z))), self.context())
