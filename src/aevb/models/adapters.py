"""Adapters for models of other libraries: callables that return torch.distributions become a VAE.

The estimators and evaluators of this package can then be applied to the model.
"""

import math
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributions as td

from aevb.distributions import Bernoulli, DiagonalNormal
from aevb.distributions.base import Distribution
from aevb.errors import UserError
from aevb.models.torch_validation import with_extreme_parameters
from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["from_torch_distributions"]


def from_torch_distributions(encoder: Callable[[Tensor], Any], decoder: Callable[[Tensor], Any], prior: Any) -> VAE:
    """Make a VAE of functions that return torch distributions.

    Functions that are nn.Modules keep their parameters and their mode: call .eval() first. The
    distributions are checked when they are returned, not here.

    Args:
        encoder: x, (..., D), -> q(z|x) over (..., J): a normal or Bernoulli distribution of
            torch.distributions (with or without Independent) or of aevb.distributions.
        decoder: z, (..., J), -> p(x|z): any torch distribution over (..., D); its log_prob is
            summed over D. For a Bernoulli, an evaluation refuses x outside [0, 1], and warns of
            values that are neither 0 nor 1.
        prior: p(z), a distribution as for the encoder, or a function without arguments that returns
            one.

    Returns:
        A model for the estimators and evaluators.

    Raises:
        UserError: When the model is used: a distribution is of another kind, or there is not one
            q(z|x) for each image.

    Example:
        >>> model = from_torch_distributions(
        ...     lambda x: Normal(*encode(x)),
        ...     lambda z: Bernoulli(logits=decode(z)),
        ...     Normal(torch.zeros(2), torch.ones(2)),
        ... )
    """
    prior_network = _Network(prior if callable(prior) else lambda: prior, _latent_distribution)
    return _Adapted(_Encoder(encoder, prior_network), _Decoder(decoder, _observation), prior_network)


class _Adapted(VAE):
    """A VAE whose data nobody has checked."""

    def check_images(self, x: Tensor) -> None:
        """Refuse values that p(x|z) does not have or means of another width than that of x, and warn of grey levels.

        Unlike that of torch, the Bernoulli of aevb takes grey targets, so it does not check the values itself.

        Args:
            x: Images, (n, D).

        Raises:
            UserError: A value is nan, infinite or outside the support of p(x|z), or p(x|z) is not over D values.
        """
        if x.numel() == 0:
            return
        with torch.no_grad():
            px_z = self.decoder(self._any_z(x))
        _check_width(px_z, x)
        if not isinstance(px_z, Bernoulli):
            _check_support(px_z, x)
            return
        low, high = (extreme.item() for extreme in x.aminmax())
        if not (low >= 0 and high <= 1):  # nan too
            rescaled = "(x - x.min()) / (x.max() - x.min())" if low < 0 else "x / 255"
            remedy = "x.nan_to_num(0)" if math.isnan(low) else rescaled
            raise UserError(
                f"x: values from {low:g} to {high:g}; allowed: [0, 1] for a Bernoulli p(x|z); try: {remedy}"
            )
        if bool(((x != 0) & (x != 1)).any()):
            warnings.warn(
                "x: grey levels, and p(x|z) is a Bernoulli: log p(x) is no log-mass, and not comparable with numbers of "
                "binary images; allowed: 0 and 1; try: torch.bernoulli(x)",
                UserWarning,
                stacklevel=3,  # the line of the caller of run_over
            )

    def _any_z(self, x: Tensor) -> Tensor:
        # The family of p(x|z) is known from a call only. The encoder is the second choice, since estimators that need
        # none are used with models that have none.
        mean = self.prior().mean
        if mean.dim():
            return mean.reshape(-1, mean.shape[-1])[:1]
        return self.encoder(torch.zeros_like(x[:1], device=next(self.parameters(), x).device)).mean  # x may be wrong


class _Network(nn.Module):
    def __init__(self, network: Callable[..., Any], convert: Callable[[Any], Distribution]) -> None:
        super().__init__()
        self.network, self.convert = network, convert

    def forward(self, *arguments: Tensor) -> Distribution:
        return self.convert(self.network(*arguments))


class _Decoder(_Network):
    def forward(self, *arguments: Tensor) -> Distribution:
        made, is_extreme = with_extreme_parameters(self.network, *arguments)
        return _Extreme(made) if is_extreme else self.convert(made)


class _Encoder(_Network):
    """Checks that there is one q(z|x) for each image, since each image draws from a random stream of its own."""

    def __init__(self, network: Callable[..., Any], prior: _Network) -> None:
        super().__init__(network, _latent_distribution)
        self._prior = (prior,)  # in a tuple, so that its parameters are not those of the encoder

    def forward(self, *arguments: Tensor) -> Distribution:
        try:
            qz_x = super().forward(*arguments)
        except RuntimeError as error:
            kind = str(arguments[0].dtype).removeprefix("torch.")
            if "type" not in str(error) or kind == "float32":  # as in "must have the same dtype"
                raise
            reason = str(error).splitlines()[0]
            raise UserError(
                f"x: {kind}, which the encoder does not take ({reason}); allowed: the type of its weights; try: x.float()"
            ) from error
        leading = arguments[0].shape[:-1]
        shape = (qz_x.logits if isinstance(qz_x, Bernoulli) else qz_x.mean).shape
        if shape[:-1] != leading or not shape:
            rows = ", ".join(map(str, leading))
            raise UserError(
                f"encoder: q(z|x) of shape {tuple(shape)} for x of shape {tuple(arguments[0].shape)}; "
                f"allowed: one q(z|x) for each image, ({rows}, J); try: Normal(mean.expand(len(x), -1), scale)"
            )
        pz = self._prior[0]()
        if isinstance(qz_x, Bernoulli) != isinstance(pz, Bernoulli):
            names = ["Bernoulli" if isinstance(part, Bernoulli) else "Normal" for part in (qz_x, pz)]
            raise UserError(
                f"encoder: q(z|x) is a {names[0]} and the prior a {names[1]}, so a ratio of the two is none of densities; "
                f"allowed: both of one kind; try: a {names[0]} as the prior"
            )
        return qz_x


class _Observation:
    """Any torch distribution as p(x|z)."""

    def __init__(self, distribution: td.Distribution) -> None:
        self.distribution = distribution

    @property
    def mean(self) -> Tensor:
        """(..., D)."""
        try:
            return self.distribution.mean
        except NotImplementedError as error:
            raise UserError(
                f"decoder: p(x|z) is a {type(self.distribution).__name__}, of which torch knows no mean; allowed: evaluators "
                "that need log p(x|z) alone; try: evaluator=importance"
            ) from error

    @property
    def mode(self) -> Tensor:
        """(..., D)."""
        return self.distribution.mode

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value), (...), summed over D where the distribution itself does not sum."""
        try:
            log_prob = self.distribution.log_prob(value)
        except ValueError as error:  # of torch, which shows the whole tensor
            if "within the support" not in str(error):
                raise
            raise _outside(value, self.distribution) from error
        return log_prob if self.distribution.event_shape else log_prob.sum(-1)

    def sample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """Refuse: a torch distribution draws from the global generator, not from `noise`."""
        raise UserError(
            f"decoder: p(x|z) is a {type(self.distribution).__name__}, which cannot be sampled reproducibly; "
            "allowed: Normal, Bernoulli; try: an evaluator that simulates no images (bdmc does)"
        )


class _Extreme(_Observation):
    """p(x|z) where it is 0 at some z, for an overflow: there a formula of torch may be 0/0 or inf - inf."""

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value), (...); -inf where it is nan."""
        log_prob = super().log_prob(value)
        return log_prob.masked_fill(log_prob.isnan(), -math.inf)


def _converted(distribution: Any) -> DiagonalNormal | Bernoulli | None:
    """The distribution of aevb that equals the torch distribution; None if there is none."""
    if isinstance(distribution, DiagonalNormal | Bernoulli):
        return distribution
    inner = distribution.base_dist if isinstance(distribution, td.Independent) else distribution
    if isinstance(inner, td.Normal):
        return DiagonalNormal(inner.loc, 2 * inner.scale.log())
    return Bernoulli(inner.logits) if isinstance(inner, td.Bernoulli) else None


def _latent_distribution(distribution: Any) -> Distribution:
    converted = _converted(distribution)
    if converted is None:
        raise UserError(
            f"encoder or prior: returned a {type(distribution).__name__}; allowed: Normal or Bernoulli of "
            "torch.distributions, or Independent of them; try: Normal(mean, scale)"
        )
    return converted


def _observation(distribution: Any) -> Distribution:
    converted = _converted(distribution)
    if converted is not None:
        return converted
    if not isinstance(distribution, td.Distribution):
        raise UserError(
            f"decoder: returned a {type(distribution).__name__}; allowed: a distribution of torch.distributions; "
            "try: Bernoulli(logits=...)"
        )
    return _Observation(distribution)


def _check_width(px_z: Distribution, x: Tensor) -> None:
    # A mean of one value would be broadcast over the pixels, and log p(x|z) would be a wrong number.
    made = px_z.distribution if isinstance(px_z, _Observation) else None  # which may have no mean
    shape = tuple(px_z.mean.shape if made is None else made.batch_shape + made.event_shape)
    if shape[-1:] != x.shape[-1:]:
        raise UserError(
            f"decoder: p(x|z) of shape {shape} for x of shape {tuple(x.shape)}; allowed: (..., {x.shape[-1]}), a value for "
            "each pixel; try: mean.expand(*z.shape[:-1], D), if all pixels have one"
        )


def _check_support(px_z: Distribution, x: Tensor) -> None:
    if not bool(x.isfinite().all()):
        raise UserError("x: nan or infinite values; allowed: finite numbers; try: x[x.isfinite().all(1)]")
    if isinstance(px_z, _Observation):
        px_z.log_prob(x)


def _outside(x: Tensor, distribution: td.Distribution) -> UserError:
    low, high = (extreme.item() for extreme in x.aminmax())
    support = " ".join(str(distribution.support).split())
    support = support if len(support) <= 80 else f"{support[:77]}..."  # with bounds that depend on z it has all of them
    return UserError(
        f"x: values from {low:g} to {high:g} that a {type(distribution).__name__} p(x|z) does not have at every z; "
        f"allowed: its support, {support}; try: another p(x|z), or validate_args=False if it is 0 there"
    )
