r"""A separate posterior for each image, without an encoder: the E-step of variational EM.

    phi_n <- argmax of L(phi; x_n) = E_q[log p(x_n, z)] + H(q),   q(z) = q(z; phi)

The family of q is that of the model's p(z). Each image is fitted independently, and theta is fixed.

    normal      q = N(mu, diag sigma^2), with S draws z = mu +- sigma eps. The eps are fixed during a
                fit, so the bound is a deterministic function of phi and convergence is well defined;
                but phi is fitted to these draws. To limit this, their mean is 0 and their second
                moment is I (S >= 2 J; otherwise only its diagonal). The error is then zero if
                log p(x|z) is quadratic in z. With eight independent draws sigma^2 had an error of a
                half, and EM of probabilistic PCA ended 0.08 nats too low. `bound_at` uses draws of
                its own. The optimizer is Rprop (Riedmiller & Braun 1993): each coordinate has a step
                size, which increases while the gradient keeps its sign and decreases when it changes.
    Bernoulli   J <= 12: the mean-field equations. Each coordinate in turn is set to its exact optimum,
                l_j = E_q[log p(x, z_j = 1, z_-j) - log p(x, z_j = 0, z_-j)], with the table of all
                2^J codes, which is decoded once. The bound never decreases. There can be several
                optima, and the starting point determines which one is reached.
                J > 12: Adam on score-function gradients with a leave-one-out baseline, with new draws
                at every step and a learning rate that decreases to zero. The noise hides convergence,
                so it always takes `max_steps` steps.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from aevb.distributions import Bernoulli, DiagonalNormal
from aevb.estimators.enumeration import MAX_LATENT_DIM, codes, log_joint_of_codes
from aevb.estimators.model_queries import log_px_z_of_all
from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["Fit", "Fitting", "bound_at", "fit", "q_at"]

PATIENCE = 5  # steps over which Rprop's increase is measured, because a single step may overshoot


class Fitting(NamedTuple):
    """Settings of the optimisation.

    Attributes:
        samples: Number of draws of z per image, S.
        tolerance: The fit stops if one step (Rprop: five steps) increases the mean bound of the minibatch
            by less than this, in nats per image; 0: it takes `max_steps` steps.
        max_steps: Maximum number of steps.
        lr: Initial step size of Rprop; initial learning rate of Adam.
    """

    samples: int = 10
    tolerance: float = 0.01
    max_steps: int = 100
    lr: float = 0.1


class Fit(NamedTuple):
    """The fitted posteriors.

    Attributes:
        phi: Parameters of q, (M, 2, J): mu and log sigma^2, or the logits and an unused row.
        bound: Lower bound on the draws of the fit, (M,), nats per image.
        steps: Number of steps taken.
    """

    phi: Tensor
    bound: Tensor
    steps: int


def q_at(model: VAE, phi: Tensor) -> DiagonalNormal | Bernoulli:
    """Return q(z; phi).

    Args:
        model: The model; its prior sets the family of q.
        phi: Parameters of q, (M, 2, J).

    Returns:
        q over (M, J).
    """
    if isinstance(model.prior(), Bernoulli):
        return Bernoulli(phi[:, 0])
    return DiagonalNormal(phi[:, 0], phi[:, 1])


def fit(model: VAE, x: Tensor, phi: Tensor, noise: Noise, how: Fitting) -> Fit:
    """Fit q to each image.

    The bound on the draws of the fit is never below its initial value, except with Adam. The parameters
    of the model and their gradients do not change.

    Args:
        model: The model.
        x: Images, (M, D).
        phi: Initial parameters of q, (M, 2, J).
        noise: Source of the draws.
        how: Settings of the optimisation.

    Returns:
        The fitted posteriors.
    """
    if not isinstance(model.prior(), Bernoulli):
        return _by_rprop(model, x, phi, noise, how)
    if phi.shape[-1] <= MAX_LATENT_DIM:
        return _by_coordinates(model, x, phi, how)
    return _by_score_function(model, x, phi, noise, how)


def bound_at(model: VAE, x: Tensor, phi: Tensor, noise: Noise, samples: int) -> tuple[Tensor, Tensor]:
    """Return the two parts of the lower bound at q(z; phi), with their gradients with respect to theta.

    The lower bound is reconstruction - KL. The reconstruction is exact for at most twelve binary latent
    variables; otherwise it is a mean over draws.

    Args:
        model: The model.
        x: Images, (M, D).
        phi: Parameters of q, (M, 2, J).
        noise: Source of the draws.
        samples: Number of draws of z per image.

    Returns:
        The reconstruction and KL(q || p), (M,) each, nats per image.
    """
    q = q_at(model, phi)
    if isinstance(q, Bernoulli) and phi.shape[-1] <= MAX_LATENT_DIM:
        z = codes(phi.shape[-1], x)
        reconstruction = (q.log_prob(z[:, None]).exp() * log_px_z_of_all(model, x, z)).sum(0)
    else:
        reconstruction = model.decoder(q.sample(noise, samples)).log_prob(x).mean(0)
    return reconstruction, q.kl(model.prior())  # q is of the prior's family


def _by_rprop(model: VAE, x: Tensor, start: Tensor, noise: Noise, how: Fitting) -> Fit:
    eps = _standardised(noise.normal((math.ceil(how.samples / 2), *start[:, 0].shape), start.dtype))
    eps = torch.cat([eps, -eps])
    phi, best, best_phi = start.detach().clone().requires_grad_(), None, start
    optimizer, means = torch.optim.Rprop([phi], lr=how.lr, step_sizes=(1e-6, 1.0)), []
    for t in range(how.max_steps + 1):
        with torch.enable_grad():
            q = DiagonalNormal(phi[:, 0], phi[:, 1])
            reconstruction = model.decoder(q.mean + q.scale * eps).log_prob(x).mean(0)
            bound = reconstruction - q.kl(model.prior())
            (phi.grad,) = torch.autograd.grad(-bound.sum(), phi)
        bound, here = bound.detach(), phi.detach().clone()
        better = torch.ones_like(bound, dtype=torch.bool) if best is None else bound > best
        best = bound if best is None else torch.where(better, bound, best)
        best_phi = torch.where(better[:, None, None], here, best_phi)
        means.append(best.mean().item())
        if t == how.max_steps or (t >= PATIENCE and means[-1] - means[-1 - PATIENCE] < how.tolerance):
            return Fit(best_phi, best, t)
        optimizer.step()
    raise AssertionError("the last step returns")


def _standardised(eps: Tensor) -> Tensor:
    """Scale draws (P, M, J) to a second moment of I over P, or to its diagonal alone if P < J."""
    if len(eps) < eps.shape[2]:
        return eps / eps.square().mean(0).sqrt()
    return math.sqrt(len(eps)) * torch.linalg.qr(eps.movedim(0, 1)).Q.movedim(1, 0)


@torch.no_grad()
def _by_coordinates(model: VAE, x: Tensor, start: Tensor, how: Fitting) -> Fit:
    table, logits = log_joint_of_codes(model, x), start[:, 0].clone()
    bound = _mean(table, logits) + Bernoulli(logits).entropy()
    for sweep in range(1, how.max_steps + 1):
        for j in range(logits.shape[1]):
            above = _mean_over(table, logits, range(logits.shape[1] - 1, j, -1))  # (2^(j+1), M), z_j the highest digit
            off, on = above.view(2, -1, len(x))
            logits[:, j] = _mean_over(on - off, logits, range(j - 1, -1, -1))[0]
        before, bound = bound, _mean(table, logits) + Bernoulli(logits).entropy()
        if sweep == how.max_steps or (bound - before).mean().item() < how.tolerance:
            return Fit(torch.stack([logits, start[:, 1]], 1), bound, sweep)
    raise AssertionError("the last step returns")


def _mean(table: Tensor, logits: Tensor) -> Tensor:
    """Return E_q of a table (2^J, M), (M,)."""
    return _mean_over(table, logits, range(logits.shape[1] - 1, -1, -1))[0]


def _mean_over(table: Tensor, logits: Tensor, variables: range) -> Tensor:
    """E_q over the given variables; each in turn is the highest binary digit of the table's rows."""
    rho = torch.sigmoid(logits)
    for j in variables:
        off, on = table.view(2, -1, table.shape[-1])
        table = torch.lerp(off, on, rho[:, j])
    return table


@torch.no_grad()
def _by_score_function(model: VAE, x: Tensor, start: Tensor, noise: Noise, how: Fitting) -> Fit:
    samples, logits = max(2, how.samples), start[:, 0].clone()
    optimizer, bound = torch.optim.Adam([logits], lr=how.lr), torch.zeros_like(x[:, 0])
    for t in range(how.max_steps):
        optimizer.param_groups[0]["lr"] = how.lr * (1 - t / how.max_steps)
        q = Bernoulli(logits)
        z = q.sample(noise, samples)
        f = model.log_joint(x, z) - q.log_prob(z)
        bound, left_out = f.mean(0), (f.sum(0) - f) / (samples - 1)
        logits.grad = -((f - left_out)[..., None] * (z - q.mean)).mean(0)
        optimizer.step()
    return Fit(torch.stack([logits, start[:, 1]], 1), bound, how.max_steps)
