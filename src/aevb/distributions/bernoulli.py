"""The Bernoulli distribution of independent pixels or latent variables, parameterised by logits (appendix C.1)."""

import math
from typing import Any, NoReturn

import torch
from torch import Tensor

from aevb.errors import UserError
from aevb.noise import Noise

__all__ = ["Bernoulli", "log_of_product", "softplus", "sum_softplus"]

ROWS = 128
"""Rows of 784 numbers whose intermediate results fit the processor's cache: half the time of 1000 rows."""


class _Softplus(torch.autograd.Function):
    """log(1 + e^l) = max(l, 0) - log sigmoid(|l|), with the derivative sigmoid(l).

    The softplus of torch uses log1p, which is ten times as slow where the vector library has no
    version of it for the widest registers of the processor. The gradient is written out because
    autograd of this form is wrong at l = 0.
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
    """Return log(1 + e^l) elementwise, with the gradient sigmoid(l).

    Args:
        logits: l, any shape.

    Returns:
        The softplus of every entry, the same shape.
    """
    return _Softplus.apply(logits)


def sum_softplus(logits: Tensor) -> Tensor:
    """Return sum_d log(1 + e^l_d) = sum_d max(l_d, 0) - log prod_d sigmoid(|l_d|).

    Args:
        logits: l, (..., D).

    Returns:
        The sums over the last axis, (...), with gradients where they are asked for.
    """
    if torch.is_grad_enabled() and logits.requires_grad:
        return softplus(logits).sum(-1)
    return logits.clamp(min=0).sum(-1) - log_of_product(logits.abs().sigmoid_())


def log_of_product(p: Tensor) -> Tensor:
    """Return sum_d log p_d, with one logarithm for up to 64 factors: in half the time for 784.

    Args:
        p: Numbers in [1/2, 1], (..., D); overwritten. The product of 64 of them is not below 2^-64, which float32 holds.

    Returns:
        The sums over the last axis, (...).
    """
    for _ in range(6):
        if p.shape[-1] % 2:
            break
        one, other = p.chunk(2, -1)
        p = one.mul_(other)
    return p.log().sum(-1)


class _LogProb(torch.autograd.Function):
    """sum_d [x_d l_d - softplus(l_d)] with its derivative g (x - sigmoid(l)), each in two thirds of the passes of autograd."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, value: Tensor) -> Tensor:
        ctx.save_for_backward(logits, value)
        sigmoid = logits.abs().sigmoid_()
        log_sigmoid = log_of_product(sigmoid)
        return torch.mul(value, logits, out=sigmoid).sub_(logits.clamp(min=0)).sum(-1).add_(log_sigmoid)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        logits, value = ctx.saved_tensors
        gradient = gradients[0][..., None]
        if torch.is_grad_enabled():  # a second derivative is wanted
            return gradient * value - gradient * torch.sigmoid(logits), None
        return torch.mul(gradient, value).sub_(torch.sigmoid(logits).mul_(gradient)), None


def _bernoulli_log_prob(logits: Tensor, value: Tensor) -> Tensor:
    """sum_d [x_d l_d - softplus(l_d)] for equal shapes (..., D), in place, a few rows at a time."""
    if logits.dim() == 1:
        return _bernoulli_log_prob(logits[None], value[None])[0]
    rows = math.prod(logits.shape[1:-1])
    if rows > ROWS:
        return torch.stack([_bernoulli_log_prob(*pair) for pair in zip(logits, value, strict=True)])
    parts, step = [], max(1, ROWS // max(1, rows))
    memory = logits.new_empty((2, min(step, len(logits)), *logits.shape[1:]))
    for few, x in zip(logits.split(step), value.split(step), strict=True):
        first, second = memory[:, : len(few)]  # the same memory for all, which stays in the cache
        log_sigmoid = log_of_product(torch.abs(few, out=first).sigmoid_())
        positive = torch.clamp(few, min=0, out=second)
        parts.append(torch.mul(x, few, out=first).sub_(positive).sum(-1).add_(log_sigmoid))
    return parts[0] if len(parts) == 1 else torch.cat(parts)


class Bernoulli:
    r"""Independent Bernoulli variables (eq. 11): log p(x) = sum_d [x_d l_d - softplus(l_d)], y = sigmoid(l).

    For grey x in (0, 1) the same expression is not a log-probability. It is the expectation of log
    p(b) over b ~ Bernoulli(x), so the bound built on it is a lower bound of E_b log p(b).

    Args:
        logits: l, (..., D).
    """

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits

    @property
    def mean(self) -> Tensor:
        """The probabilities sigmoid(logits), (..., D)."""
        return torch.sigmoid(self.logits)

    @property
    def log_var(self) -> Tensor:
        """The logarithm of the variance rho (1 - rho) with rho = sigmoid(logits), (..., D)."""
        return -softplus(self.logits) - softplus(-self.logits)

    @property
    def mode(self) -> Tensor:
        """The most likely value, in {0, 1}, (..., D)."""
        return (self.logits > 0).to(self.logits.dtype)

    def rows(self, count: int) -> "Bernoulli":
        """Expand the distribution to `count` rows.

        Args:
            count: Number of rows.

        Returns:
            The distribution with logits (count, D); the present ones are (D,) or (count, D).
        """
        return Bernoulli(self.logits.expand(count, -1))

    def entropy(self) -> Tensor:
        """Return the entropy H = sum_d [softplus(l_d) - rho_d l_d] with rho = sigmoid(l), in nats, (...)."""
        return (softplus(self.logits) - self.mean * self.logits).sum(-1)

    def kl(self, other: "Bernoulli") -> Tensor:
        """Return KL(self || other); for other = Bernoulli(1/2) it is sum_d [log 2 - H(rho_d)].

        Args:
            other: A Bernoulli distribution whose logits broadcast with these.

        Returns:
            The KL divergence in nats, (...).
        """
        difference = self.mean * (self.logits - other.logits)
        return (difference - softplus(self.logits) + softplus(other.logits)).sum(-1)

    def rsample(self, noise: Noise, samples: int | None = None) -> NoReturn:
        """Refuse: draws in {0, 1} have no derivative with respect to the logits.

        Args:
            noise: Unused.
            samples: Unused.

        Raises:
            UserError: Always.
        """
        raise UserError(
            "objective: needs draws of q(z|x) with a derivative, and Bernoulli draws have none; "
            "allowed: an objective whose `reparameterised` is false; try: objective=vimco"
        )

    def log_prob(self, value: Tensor) -> Tensor:
        """Return sum_d [x_d log y_d + (1 - x_d) log(1 - y_d)] (eq. 11).

        Args:
            value: x, values in [0, 1], (..., D).

        Returns:
            Log-probabilities in nats, (...).
        """
        logits, value = torch.broadcast_tensors(self.logits, value)
        has_gradient = torch.is_grad_enabled() and (logits.requires_grad or value.requires_grad)
        if has_gradient or logits.device.type != "cpu":  # a GPU takes as long for a few rows as for all of them
            if not value.requires_grad and value.dtype == logits.dtype:
                return _LogProb.apply(logits, value)
            return (value * logits - softplus(logits)).sum(-1)
        return _bernoulli_log_prob(logits, value)

    def log_prob_of_all(self, value: Tensor) -> Tensor:
        """Return the log-probability of every row of `value` under every one of the G distributions.

        Args:
            value: Points, (M, D). The logits are (G, D).

        Returns:
            log p_g(value_m) in nats, (G, M), by one matrix product.
        """
        return self.logits @ value.T - sum_softplus(self.logits)[:, None]

    def sample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """Draw samples in {0, 1}.

        Args:
            noise: The random numbers.
            samples: Number of draws per row; None: one draw without a leading axis.

        Returns:
            Draws, (..., D) or (samples, ..., D).
        """
        with torch.no_grad():
            lead = () if samples is None else (samples,)
            u = noise.uniform((*lead, *self.logits.shape), self.logits.dtype)
            return (u < self.mean).to(self.logits.dtype)
