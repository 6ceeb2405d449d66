"""Models that were not made here: callables that return torch.distributions, as a VAE that the estimators understand."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch import distributions as td

from aevb.distributions import Bernoulli, DiagonalNormal
from aevb.distributions.base import Distribution
from aevb.errors import UserError
from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["from_torch_distributions"]


def from_torch_distributions(encoder: Callable[[Tensor], Any], decoder: Callable[[Tensor], Any], prior: Any) -> VAE:
    """A VAE of x (..., D) -> q(z|x), z (..., J) -> p(x|z), and p(z).

    encoder, prior: give a normal or Bernoulli distribution, of torch.distributions (Independent or not) or of aevb.distributions.base;
    the prior may be one, or a function without arguments that returns one. decoder: any distribution of torch over (..., D),
    whose log_prob is summed over D. Networks that are nn.Modules keep their parameters and their mode: call .eval() first. Raises
    UserError for other distributions, when they come.

    Example:
        model = from_torch_distributions(lambda x: Normal(*encode(x)), lambda z: Bernoulli(logits=decode(z)), Normal(torch.zeros(2), torch.ones(2)))
    """
    return VAE(
        _Network(encoder, _latent),
        _Network(decoder, _observed),
        _Network(prior if callable(prior) else lambda: prior, _latent),
    )


class _Network(nn.Module):
    def __init__(self, network: Callable[..., Any], read: Callable[[Any], Distribution]) -> None:
        super().__init__()
        self.network, self.read = network, read

    def forward(self, *arguments: Tensor) -> Distribution:
        return self.read(self.network(*arguments))


class _Observed:
    """Any distribution of torch as p(x|z)."""

    def __init__(self, distribution: td.Distribution) -> None:
        self.distribution = distribution

    @property
    def mean(self) -> Tensor:
        """(..., D)."""
        return self.distribution.mean

    @property
    def mode(self) -> Tensor:
        """(..., D)."""
        return self.distribution.mode

    def log_prob(self, value: Tensor) -> Tensor:
        """Summed over D where the distribution does not do so."""
        log_prob = self.distribution.log_prob(value)
        return log_prob if self.distribution.event_shape else log_prob.sum(-1)

    def sample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """Refused: torch's own draws would come from its global generator."""
        raise UserError(
            f"decoder: {type(self.distribution).__name__} cannot be sampled here; allowed: Normal, Bernoulli; "
            "try: an evaluator that simulates no images (bdmc does)"
        )


def _plain(distribution: Any) -> DiagonalNormal | Bernoulli | None:
    """The distributions that aevb has itself, from torch's."""
    if isinstance(distribution, DiagonalNormal | Bernoulli):
        return distribution
    inner = distribution.base_dist if isinstance(distribution, td.Independent) else distribution
    if isinstance(inner, td.Normal):
        return DiagonalNormal(inner.loc, 2 * inner.scale.log())
    return Bernoulli(inner.logits) if isinstance(inner, td.Bernoulli) else None


def _latent(distribution: Any) -> Distribution:
    found = _plain(distribution)
    if found is None:
        raise UserError(
            f"encoder or prior: {type(distribution).__name__}; allowed: Normal or Bernoulli of torch.distributions, or "
            "Independent of them; try: Normal(mean, scale)"
        )
    return found


def _observed(distribution: Any) -> Distribution:
    found = _plain(distribution)
    if found is not None:
        return found
    if not isinstance(distribution, td.Distribution):
        raise UserError(
            f"decoder: {type(distribution).__name__}; allowed: a distribution of torch.distributions; "
            "try: Bernoulli(logits=...)"
        )
    return _Observed(distribution)
