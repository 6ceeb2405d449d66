r"""PITFALL: the normalised weights of the importance-weighted bound not detached.

The gradient of log 1/K sum_k w_k is sum_k v_k grad log w_k with v_k = w_k / sum w *held fixed* (Burda et al. 2015, eq. 14).
Code that writes sum_k v_k log w_k as its loss must detach v. Left in the graph, the loss is another function,

    sum_k v_k log w_k = log 1/K sum_k w_k + KL(v || uniform),

up to log K ABOVE the importance-weighted bound and no bound of log p(x) at all: it rewards one weight that carries the sum.
Seen: AntixK/PyTorch-VAE#34 (open; its `iwae.py` takes the softmax of the loss besides). Exposed by
tests/pitfalls/test_gallery.py::test_undetached_weights_claim_more_than_there_is, against the closed form of log p(x).
"""

from collections.abc import Iterator

import torch

from aevb.models.vae import VAE
from aevb.objectives.iwae import IWAE
from aevb.objectives.objective import Batch, Update

__all__ = ["UndetachedWeights"]


class UndetachedWeights(IWAE):
    """sum_k v_k log w_k with v in the graph, which is not what `IWAE` ascends."""

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """One minibatch, one update of theta and phi."""
        x, _, noise = next(stream)
        qz_x = model.encoder(x)
        z = qz_x.rsample(noise, self.samples)
        log_w = model.log_joint(x, z) - qz_x.log_prob(z)
        v = torch.softmax(log_w, 0)  # right: torch.softmax(log_w, 0).detach()
        bound = (v * log_w).sum(0).mean()
        yield Update(-bound, ("theta", "phi"), len(x), {"bound": bound.detach()})
