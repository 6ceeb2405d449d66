"""Distributions that models return: a diagonal normal, a Bernoulli, and families with reparameterised samples."""

from aevb.distributions.base import Distribution, NoClosedForm
from aevb.distributions.bernoulli import Bernoulli
from aevb.distributions.normal import DiagonalNormal

__all__ = ["Bernoulli", "DiagonalNormal", "Distribution", "NoClosedForm"]
