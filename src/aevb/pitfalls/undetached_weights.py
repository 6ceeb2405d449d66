r"""PITFALL: the normalised weights of the importance-weighted bound are not detached.

The gradient of log 1/K sum_k w_k is sum_k v_k grad log w_k with v_k = w_k / sum w *held fixed*
(Burda et al. 2016, eq. 14). Code that uses sum_k v_k log w_k as its loss must detach v. If v stays
in the graph, the loss is a different function,

    sum_k v_k log w_k = log 1/K sum_k w_k + KL(v || uniform),

which exceeds the importance-weighted bound by up to log K. It is not a lower bound of log p(x), and
it rewards the dominance of one weight. Seen in: AntixK/PyTorch-VAE#34 (open; its `iwae.py` also
applies the softmax to the loss). Exposed by tests/pitfalls/test_gallery.py: undetached weights
exceed the closed form of log p(x).
"""

from collections.abc import Iterator

import torch

from aevb.models.vae import VAE
from aevb.objectives.iwae import IWAE
from aevb.objectives.objective import Batch, Update

__all__ = ["UndetachedWeights"]


class UndetachedWeights(IWAE):
    """sum_k v_k log w_k with v in the graph; the arguments are those of `IWAE`."""

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta and phi for one minibatch (see `Objective.forward`)."""
        x, _, noise = next(stream)
        qz_x = model.encoder(x)
        z = qz_x.rsample(noise, self.samples)
        log_w = model.log_joint(x, z) - qz_x.log_prob(z)
        v = torch.softmax(log_w, 0)  # right: torch.softmax(log_w, 0).detach()
        bound = (v * log_w).sum(0).mean()
        yield Update(-bound, ("theta", "phi"), len(x), {"bound": bound.detach()})
