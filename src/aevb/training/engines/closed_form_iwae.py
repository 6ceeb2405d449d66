r"""The engine of IWAE and DReG for the paper's models: the gradients of the importance-weighted bound in closed form.

    z = mu + sigma * eps,   sigma = exp(v / 2),   log w = log p(x, z) - log q(z|x),   w~_k = w_k / sum w
    log w = log p(x|z) + 1/2 sum_j (v + eps^2 - z^2)
    L = -mean_m log 1/K sum_k w_k,   c = w~ / M = -dL/dlog w,   g = -c dlog p(x, z)/dz = dL/dz of the decoder + c z

    IWAE   dL/dmu = sum_k g,   dL/dv = sum_k g sigma eps / 2 - 1 / 2M
    STL    g - c eps / sigma in place of g, and no 1 / 2M: q(z|x) is held fixed in log w
    DReG   w~ (g - c eps / sigma) in place of g, and no 1 / 2M

for each datapoint. theta has the gradient of IWAE in all three. The numbers are those of the objective under autograd, up to
rounding, from the same noise.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from aevb.models.closed_form_gradients import decode, encode
from aevb.models.vae import VAE
from aevb.objectives.dreg import DReG
from aevb.objectives.iwae import IWAE
from aevb.objectives.objective import Batch, Update

__all__ = ["ClosedFormIWAE"]


class ClosedFormIWAE:
    """Updates of IWAE or DReG, with gradients in closed form.

    Args:
        objective: IWAE or DReG.
    """

    def __init__(self, objective: IWAE | DReG) -> None:
        self.objective = objective
        self.estimator = objective.estimator if isinstance(objective, DReG) else "iwae"

    def __call__(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta and phi for one minibatch.

        Args:
            model: The model; `.grad` of all its parameters is written.
            stream: Minibatches.
        """
        yield self._update(model, next(stream))

    @torch.no_grad()
    def _update(self, model: VAE, batch: Batch) -> Update:
        x, _, noise = batch
        samples, rows = self.objective.samples, len(x)
        mean, log_var, encoder_backward = encode(model.encoder, x)  # type: ignore[arg-type]  # `select` has looked
        scale = torch.exp(0.5 * log_var)
        eps = noise.normal((samples, *mean.shape), mean.dtype)
        z = torch.addcmul(mean, scale, eps)

        many_x = x.expand(samples, *x.shape).flatten(0, 1)
        log_px_z, decoder_backward = decode(model.decoder, z.flatten(0, 1), many_x, each=True)  # type: ignore[arg-type]
        log_px_z = log_px_z.view(samples, rows)
        log_ratio = 0.5 * (z * z - eps * eps - log_var).sum(-1)  # log q(z|x) - log p(z)
        log_w = log_px_z - log_ratio
        importance = (log_w.logsumexp(0) - math.log(samples)).mean()

        weight = torch.softmax(log_w, 0).unsqueeze(-1)
        share = weight / rows
        d_z = decoder_backward(-share.flatten(0, 1)).view_as(z) + share * z
        encoder_backward(*self._through_q(weight, share, scale, eps, d_z))
        stats = {
            "bound": log_w.mean(),
            "reconstruction": log_px_z.mean(),
            "kl": log_ratio.mean(),
            "importance": importance,
        }
        return Update(-importance, ("theta", "phi"), rows, stats)

    def _through_q(
        self, weight: Tensor, share: Tensor, scale: Tensor, eps: Tensor, d_z: Tensor
    ) -> tuple[Tensor, Tensor]:
        # dL/dmu and dL/dv, (M, J).
        if self.estimator != "iwae":
            d_z = d_z - share * eps / scale
        if self.estimator == "dreg":
            d_z = weight * d_z
        d_log_var = 0.5 * (d_z * eps).sum(0) * scale
        if self.estimator == "iwae":
            d_log_var -= 0.5 / len(d_log_var)
        return d_z.sum(0), d_log_var
