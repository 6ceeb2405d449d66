"""The distributions that models return: diagonal normal, Bernoulli, and reparameterised families (section 2.4)."""

from aevb.distributions.base import Distribution, NoClosedForm
from aevb.distributions.bernoulli import Bernoulli
from aevb.distributions.normal import DiagonalNormal

__all__ = ["Bernoulli", "DiagonalNormal", "Distribution", "NoClosedForm"]
