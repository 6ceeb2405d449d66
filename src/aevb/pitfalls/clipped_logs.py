"""PITFALL: a small number inside the logarithm.

log(y + 1e-6) for log y keeps nan away and caps what a confident mistake costs at 13.8 nats, and its gradient at nothing: the
model is paid for being sure. The masses of a pixel then sum to more than one. Logits need no such help: x l - softplus(l) is
exact. Seen: a published student reproduction. Exposed by
test_distributions.py::test_bernoulli_log_prob_is_the_cross_entropy, whose logits reach 40.
"""

import torch
from torch import Tensor

from aevb.errors import UserError
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveFloat

__all__ = ["ClippedLogs"]


class ClippedLogs(Evaluator):
    """The bound with log(y + eps) and log(1 - y + eps). eps: what was added."""

    name = "pitfall_clipped_logs"
    primary_value = "claimed_bound"
    images = 1000

    def __init__(self, eps: PositiveFloat = 1e-6) -> None:
        self.eps = eps

    @torch.no_grad()
    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """claimed_bound; excess, by which it exceeds the bound of the same draw."""
        if not getattr(model.decoder, "unit_interval", False):
            raise UserError("evaluator=pitfall_clipped_logs: a pitfall of Bernoulli decoders; try: model=bernoulli")
        qz_x = model.encoder(x)
        px_z, kl = model.decoder(qz_x.sample(noise)), qz_x.kl(model.prior())
        y = px_z.mean
        reconstruction = (x * torch.log(y + self.eps) + (1 - x) * torch.log(1 - y + self.eps)).sum(-1)
        return {"claimed_bound": reconstruction - kl, "excess": reconstruction - px_z.log_prob(x)}

    @property
    def settings(self) -> dict[str, int | float | str]:
        """What was added."""
        return {"eps": self.eps}
