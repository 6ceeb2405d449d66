"""PITFALL: the bound of grey images compared with tables of binary ones.

For grey x the cross-entropy is no log-mass: it is E_b log p(b|z) over b ~ Bernoulli(x). The bound built on it bounds E_b log
p(b) from below and never rises above -H(x), the entropy of those draws. One model has another bound on the same images drawn
as bits, and another, far higher, on images cut at 1/2, which have no entropy: tables of one say nothing about tables of the
other. Seen: most tutorials (Loaiza-Ganem & Cunningham 2019). Exposed by
test_distributions.py::test_grey_log_prob_is_the_expectation_over_binarised_images.
"""

import torch
from torch import Tensor

from aevb.estimators.bound import bound
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["GreysAsData"]


class GreysAsData(Evaluator):
    """The bound of one model on x as it is, on bits drawn from x, and on x cut at 1/2; and the ceiling -H(x) of the first."""

    name = "pitfall_greys_as_data"
    primary_value = "claimed_binary_bound"
    images = 1000

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """claimed_binary_bound (of the greys), drawn_bound, cut_bound, minus_entropy."""
        drawn = (noise.uniform(tuple(x.shape), x.dtype) < x).to(x.dtype)
        entropy = -(torch.xlogy(x, x) + torch.xlogy(1 - x, 1 - x)).sum(-1)
        return {
            "claimed_binary_bound": bound(model, x, noise).bound,
            "drawn_bound": bound(model, drawn, noise).bound,
            "cut_bound": bound(model, (x >= 0.5).to(x.dtype), noise).bound,
            "minus_entropy": -entropy,
        }

    @property
    def settings(self) -> dict[str, int | float | str]:
        """None."""
        return {}
