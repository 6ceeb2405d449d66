"""The Bernoulli distribution of independent pixels or latents, parameterised by logits."""

import math
from typing import Any, NoReturn

import torch
from torch import Tensor

from aevb.errors import UserError
from aevb.noise import Noise

__all__ = ["Bernoulli", "softplus"]


ROWS = 128


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
