"""PITFALL: a small number inside the logarithm.

log(y + 1e-6) instead of log y avoids nan, but it limits the loss of a confident mistake to 13.8
nats and removes its gradient, so the model is rewarded for overconfidence. The probabilities of the
two values of a pixel then sum to more than one. With logits it is unnecessary: x l - softplus(l) is
exact. Seen in: a published student reproduction. Exposed by
tests/distributions/test_distributions.py: the Bernoulli log-probability is the cross-entropy, for
logits up to 40.
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
    """The bound with log(y + eps) and log(1 - y + eps).

    Args:
        eps: The number that is added.
    """

    name = "pitfall_clipped_logs"
    primary_value = "claimed_bound"
    images = 1000

    def __init__(self, eps: PositiveFloat = 1e-6) -> None:
        self.eps = eps

    @torch.no_grad()
    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Return the values of each image.

        Args:
            model: The model.
            x: Images, (M, D).
            noise: The random numbers of the images.

        Returns:
            claimed_bound, and excess: the difference from the correct bound of the same draw; in
            nats, (M,) each.

        Raises:
            UserError: The decoder is not Bernoulli.
        """
        if model.likelihood != "bernoulli":
            raise UserError(
                "evaluator=pitfall_clipped_logs: the decoder is not Bernoulli; allowed: a Bernoulli decoder; "
                "try: model=bernoulli"
            )
        qz_x = model.encoder(x)
        px_z, kl = model.decoder(qz_x.sample(noise)), qz_x.kl(model.prior())
        y = px_z.mean
        reconstruction = (x * torch.log(y + self.eps) + (1 - x) * torch.log(1 - y + self.eps)).sum(-1)
        return {"claimed_bound": reconstruction - kl, "excess": reconstruction - px_z.log_prob(x)}

    @property
    def settings(self) -> dict[str, int | float | str]:
        """eps, the number that is added."""
        return {"eps": self.eps}
