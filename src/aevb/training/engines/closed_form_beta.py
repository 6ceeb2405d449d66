r"""The engine of beta-VAE, KL warm-up and free bits for the paper's models: gradients in closed form.

    L = w(t) sum_j max(lambda, KL_j) - E log p(x|z),   KL_j = mean over the minibatch of KL(q(z_j|x) || p(z_j))
    dL/dmu_j = g_j + w a_j mu_j / M,   dL/dv_j = g_j sigma_j eps_j / 2 + w a_j (sigma_j^2 - 1) / 2M
    a_j = 1 where KL_j >= lambda, else 0,   g = dL/dz from the decoder

for each datapoint and sample. The numbers are those of the objective under autograd, up to rounding.
"""

import torch
from torch import Tensor

from aevb.objectives.beta_vae import BetaVAE
from aevb.objectives.objective import Batch, Update
from aevb.training.engines.closed_form import ClosedForm

__all__ = ["ClosedFormBeta"]


class ClosedFormBeta(ClosedForm):
    """Updates of beta-VAE, with gradients in closed form. The KL term between its methods is that of each dimension.

    Args:
        objective: beta-VAE.
    """

    objective: BetaVAE

    def update(self, batch: Batch, reconstruction: Tensor, kl: Tensor) -> Update:
        """Return the update whose gradients have been written, and count its samples.

        Args:
            batch: The minibatch.
            reconstruction: E log p(x|z), mean over the minibatch, nats.
            kl: KL_j, mean over the minibatch, nats, (J,).
        """
        objective, rows = self.objective, len(batch.x)
        paid = kl.clamp(min=objective.free_bits).sum() if objective.free_bits else kl.sum()
        loss = objective.kl_weight.to(kl) * paid - reconstruction
        objective.seen.add_(batch.counted)  # in place: the state is restored when a block of minibatches is repeated
        stats = {"bound": reconstruction - kl.sum(), "reconstruction": reconstruction, "kl": kl.sum()}
        return Update(loss, ("theta", "phi"), rows, stats)

    def _exact(
        self, mean: Tensor, log_var: Tensor, scale: Tensor, eps: Tensor, z: Tensor, d_z: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        # KL_j, (J,), and dL/dmu and dL/dv, (M, J).
        variance = scale * scale
        kl = 0.5 * (variance + mean * mean - 1 - log_var).mean(0)
        weight = self.objective.kl_weight.to(kl) / len(mean)
        if self.objective.free_bits:
            weight = torch.where(kl >= self.objective.free_bits, weight, 0.0)
        d_log_var = 0.5 * ((d_z * eps).sum(0) * scale + weight * (variance - 1))
        return kl, d_z.sum(0) + weight * mean, d_log_var
