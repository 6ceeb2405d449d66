"""PITFALL: the bound on grey images compared to results on binary images.

For grey x the cross-entropy is not a log-probability: it is E_b log p(b|z) over b ~ Bernoulli(x).
The bound built on it is a lower bound of E_b log p(b) and never exceeds -H(x), the negative entropy
of those draws. The same model has a different bound on images binarised at random, and a third, far
higher one on images thresholded at 1/2, which have no entropy. Results for one kind of images say
nothing about another. Seen in: most tutorials (Loaiza-Ganem & Cunningham 2019). Exposed by
tests/distributions/test_distributions.py: the grey log-probability is the expectation over
binarised images.
"""

import torch
from torch import Tensor

from aevb.estimators.bound import bound
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["GreysAsData"]


class GreysAsData(Evaluator):
    """The bound on grey x, on x binarised at random and on x thresholded at 1/2, and the ceiling -H(x)."""

    name = "pitfall_greys_as_data"
    primary_value = "claimed_binary_bound"
    images = 1000

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Return the values of each image.

        Args:
            model: The model.
            x: Images, (M, D).
            noise: The random numbers of the images.

        Returns:
            claimed_binary_bound (on grey x), drawn_bound, cut_bound and minus_entropy in nats, (M,)
            each.
        """
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
        """There are none."""
        return {}
