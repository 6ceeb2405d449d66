r"""The three distributions of the paper, over vectors: log-densities are summed over the last axis.

torch.distributions has them too (the tests hold one against the other); these are parametrised as the networks
give them (log-variance, logits), take their noise from outside, and cost a few operations each.

Shapes: parameters (..., D) with leading axes that broadcast, e.g. (M, D) or (L, M, D); log_prob gives (...).
"""

import math
from typing import Any, NoReturn, Protocol

import torch
from torch import Tensor

from aevb.errors import UserError
from aevb.noise import Noise

__all__ = ["Bernoulli", "DiagonalNormal", "Distribution", "NoClosedForm", "softplus"]

LOG_2PI = math.log(2 * math.pi)
ROWS = 128
"""Rows of 784 numbers whose intermediate results stay in a processor's cache: half the time of 1000."""


class NoClosedForm(UserError):
    """KL(q || p) has none for this pair of families."""

    def __init__(self, q: str, p: str) -> None:
        super().__init__(
            f"KL({q} || {p}): no closed form; allowed: an objective that samples it; try: objective=sgvb_a"
        )


class _Softplus(torch.autograd.Function):
    """log(1 + e^l) = max(l, 0) - log sigmoid(|l|), with derivative sigmoid(l).

    torch's own goes through log1p, which is ten times as slow where the vector library has none for the processor's widest
    registers; the gradient is written out because autograd of this form is wrong at l = 0.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor) -> Tensor:
        ctx.save_for_backward(logits)
        return logits.clamp(min=0) - logits.abs().sigmoid_().log_()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (logits,) = ctx.saved_tensors
        return gradients[0] * torch.sigmoid(logits)


def softplus(logits: Tensor) -> Tensor:
    """log(1 + e^l), elementwise."""
    return _Softplus.apply(logits)


def _bernoulli_log_prob(logits: Tensor, value: Tensor) -> Tensor:
    """sum_d [x_d l_d - softplus(l_d)] of equal shapes (..., D): the operations of softplus, in place, a few rows at a time."""
    if logits.dim() == 1:
        return _bernoulli_log_prob(logits[None], value[None])[0]
    rows = math.prod(logits.shape[1:-1])
    if rows > ROWS:
        return torch.stack([_bernoulli_log_prob(*pair) for pair in zip(logits, value, strict=True)])
    parts, step = [], max(1, ROWS // max(1, rows))
    for few, x in zip(logits.split(step), value.split(step), strict=True):
        log_sigmoid = few.abs().sigmoid_().log_()
        softplus_ = few.clamp(min=0).sub_(log_sigmoid)
        parts.append((x * few).sub_(softplus_).sum(-1))
    return parts[0] if len(parts) == 1 else torch.cat(parts)


class Distribution(Protocol):
    """What encoders, decoders and priors return. Those over z also have `log_var`, `rows` and `kl`."""

    @property
    def mean(self) -> Tensor:
        """Expectation, shape (..., D)."""

    @property
    def mode(self) -> Tensor:
        """The likeliest value, shape (..., D)."""

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value) in nats, summed over the last axis."""

    def sample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """One draw per row, or (samples, ..., D) of them; no gradient passes."""


class DiagonalNormal:
    r"""N(mean, diag exp(log_var)): log p(x) = -1/2 sum_d [log 2 pi + log s_d^2 + (x_d - mu_d)^2 / s_d^2].

    mean, log_var: (..., D); log_var is log sigma^2, the output of eq. 12's network.
    """

    def __init__(self, mean: Tensor, log_var: Tensor) -> None:
        self.mean, self.log_var = mean, log_var

    @property
    def mode(self) -> Tensor:
        """The likeliest value, (..., D)."""
        return self.mean

    def rows(self, count: int) -> "DiagonalNormal":
        """The same for each of `count` rows, (count, D), of parameters (D,) or (count, D)."""
        return DiagonalNormal(self.mean.expand(count, -1), self.log_var.expand(count, -1))

    @property
    def scale(self) -> Tensor:
        """Standard deviation sigma = exp(log_var / 2), (..., D)."""
        return torch.exp(0.5 * self.log_var)

    def log_prob(self, value: Tensor) -> Tensor:
        """log N(value; mean, diag exp(log_var)), (...)."""
        return -0.5 * (LOG_2PI + self.log_var + (value - self.mean) ** 2 * torch.exp(-self.log_var)).sum(-1)

    def log_prob_of_all(self, value: Tensor) -> Tensor:
        """log p(value_m) under each of G distributions, (G, M): mean (G, D), value (M, D).

        The square is multiplied out, into matrix products; in float64, because its terms cancel.
        """
        x, mean, precision = value.double(), self.mean.double(), torch.exp(-self.log_var.double())
        square = precision @ (x**2).T - 2 * (mean * precision) @ x.T + (mean**2 * precision).sum(-1, keepdim=True)
        return -0.5 * (square + (LOG_2PI + self.log_var.double()).sum(-1, keepdim=True))

    def rsample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """Reparameterised draws z = mu + sigma * eps with eps ~ N(0, I): (..., D), or (samples, ..., D)."""
        lead = () if samples is None else (samples,)
        eps = noise.normal((*lead, *self.mean.shape), self.mean.dtype)
        return self.mean + self.scale * eps

    def sample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """As `rsample`, without gradient."""
        with torch.no_grad():
            return self.rsample(noise, samples)

    def kl(self, other: "DiagonalNormal") -> Tensor:
        """KL(self || other) in nats, (...): appendix B, for a diagonal normal `other`; else raises NoClosedForm."""
        if not isinstance(other, DiagonalNormal):
            raise NoClosedForm("normal", getattr(other, "family", type(other).__name__))
        variance_ratio = torch.exp(self.log_var - other.log_var)
        shift = (self.mean - other.mean) ** 2 * torch.exp(-other.log_var)
        return 0.5 * (variance_ratio + shift - 1 - self.log_var + other.log_var).sum(-1)


class Bernoulli:
    r"""Independent Bernoullis with logits l: log p(x) = sum_d [x_d l_d - softplus(l_d)] (eq. 11, y = sigmoid(l)).

    logits: (..., D). For grey x in (0, 1) the same expression is not a log-mass but the expectation of log p(b)
    over b ~ Bernoulli(x): the bound built on it bounds E_b log p(b) from below.
    """

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits

    @property
    def mean(self) -> Tensor:
        """Probabilities sigmoid(logits), (..., D)."""
        return torch.sigmoid(self.logits)

    @property
    def log_var(self) -> Tensor:
        """log of the variance rho (1 - rho), rho = sigmoid(logits), (..., D)."""
        return -softplus(self.logits) - softplus(-self.logits)

    @property
    def mode(self) -> Tensor:
        """The likeliest value, in {0, 1}, (..., D)."""
        return (self.logits > 0).to(self.logits.dtype)

    def rows(self, count: int) -> "Bernoulli":
        """The same for each of `count` rows, (count, D), of logits (D,) or (count, D)."""
        return Bernoulli(self.logits.expand(count, -1))

    def entropy(self) -> Tensor:
        """H = sum_d softplus(l_d) - rho_d l_d, rho = sigmoid(l), nats, (...)."""
        return (softplus(self.logits) - self.mean * self.logits).sum(-1)

    def kl(self, other: "Bernoulli") -> Tensor:
        """KL(self || other) in nats, (...); to Bernoulli(1/2): sum_d log 2 - H(rho_d)."""
        difference = self.mean * (self.logits - other.logits)
        return (difference - softplus(self.logits) + softplus(other.logits)).sum(-1)

    def rsample(self, noise: Noise, samples: int | None = None) -> NoReturn:
        """Raises UserError: draws of 0 and 1 have no derivative."""
        raise UserError(
            "objective: needs draws of q(z|x) with a derivative, and Bernoulli ones have none; allowed: score_function, nvil, "
            "vimco, arm, exact_bound (latent_dim <= 12), wake_sleep, variational_em; try: objective=vimco"
        )

    def log_prob(self, value: Tensor) -> Tensor:
        """sum_d x_d log y_d + (1 - x_d) log(1 - y_d), (...)."""
        logits, value = torch.broadcast_tensors(self.logits, value)
        if torch.is_grad_enabled() and (logits.requires_grad or value.requires_grad):
            return (value * logits - softplus(logits)).sum(-1)
        return _bernoulli_log_prob(logits, value)

    def log_prob_of_all(self, value: Tensor) -> Tensor:
        """log p(value_m) under each of G distributions, (G, M): logits (G, D), value (M, D); one matrix product."""
        return self.logits @ value.T - softplus(self.logits).sum(-1, keepdim=True)

    def sample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """Draws in {0, 1}: (..., D), or (samples, ..., D)."""
        with torch.no_grad():
            lead = () if samples is None else (samples,)
            u = noise.uniform((*lead, *self.logits.shape), self.logits.dtype)
            return (u < self.mean).to(self.logits.dtype)
