r"""Monte Carlo EM (Wei & Tanner 1990) with Hamiltonian Monte Carlo, which section 5 compares to AEVB (appendix E).

    z_1 .. z_N <- draws from p(z)
    repeat
        E-step:  one HMC trajectory of K leapfrog steps on p(z_n|x_n) for every training point n, from the
                 present z_n; then a longer or shorter step size, towards an acceptance rate of 0.9
        M-step:  5 times:  X^M <- random minibatch
                           theta <- one ascent step on  mean log p(x, z)     (+ log p(theta) / N)

There is no q(z|x): conf/objective/mcem.yaml removes the encoder from the model and chooses an
evaluator that needs none. The chains persist, because the posterior changes little in a round, so
that one trajectory can follow it. The step size depends on the past of the chains, as in the
authors' code, so the chains sample the posterior only up to that bias (aevb.samplers.step_size).

The paper does not define how many samples one round counts. Every vertex of the curve in Figure 3
lies at a multiple of 15,000 (N = 1000) and of 1,500,000 (N = 50,000) samples, which fits 15 N per
round: 10 leapfrog steps and 5 updates of all N points. So `count=gradients`, the default, counts
every point at which a leapfrog step or an update computes a gradient, K N + 5 M per round, which is
15 N for batch_size=N; `count=updates` counts the images of the M-step, 5 M. With batch_size and N =
1000, the learning rate 0.1 and no warm-up, the mean log p(x) of the training set (appendix D,
Gaussian) at 0.405, 0.84, 1.065 and 2.085e6 samples is -154.5, -142.5, -139.4 and -132.3 nats, in
the paper -152.1, -141.6, -138.4 and -131.1; with M = 100 it is -160.4, -150.4, -146.4 and -136.5.
One seed.
"""

from collections.abc import Iterator
from typing import Literal, cast

import torch
from torch import Tensor

from aevb.distributions import Bernoulli
from aevb.errors import UserError
from aevb.models.closed_form_gradients import BernoulliPosterior
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.objectives.objective import Batch, Objective, TrainingData, Update
from aevb.samplers.hmc import BlockLogDensity, LogDensity, chains_at, hmc
from aevb.samplers.step_size import authors_rule
from aevb.types import NonNegativeFloat, PositiveInt, Seed

__all__ = ["MCEM"]

Count = Literal["gradients", "updates"]

FIRST_STEP = 0.01  # initial step size, as in the authors' code
ROWS = 500  # chains computed together, so that they fit the processor's cache
RECENT = 0.05  # weight of the last trajectory in the running mean of the acceptance


class MCEM(Objective):
    """One trajectory of all chains, then one step of theta on each of `updates` minibatches.

    Args:
        n_train: Number of training images, N.
        latent_dim: Number of latent dimensions, J.
        leapfrogs: Number of leapfrog steps of a trajectory, K.
        updates: Number of updates of theta per M-step.
        count: What samples_seen counts: "gradients" or "updates", see above.
        weight_prior: Precision of the prior on the decoder's weights (see `Objective`).
        seed: Seed of the initial states of the chains.

    Attributes:
        z: Buffer, (N, J); row n is the chain of training image n.
        step_size: Buffer, the step size of all chains.
        acceptance: Buffer, the mean acceptance probability over about the last 20 trajectories.

    Raises:
        UserError: From `forward`: z is binary, or the images are binarised anew at every
            presentation.
    """

    mean_over_data = False  # the chains of all data share one step size
    weight_prior_of = ("theta",)
    z: Tensor
    step_size: Tensor
    acceptance: Tensor

    def __init__(
        self,
        n_train: int,
        latent_dim: PositiveInt,
        leapfrogs: PositiveInt = 10,
        updates: PositiveInt = 5,
        count: Count = "gradients",
        weight_prior: NonNegativeFloat = 1.0,
        seed: Seed = 0,
    ) -> None:
        super().__init__(weight_prior)
        self.leapfrogs, self.updates, self.count = leapfrogs, updates, count
        self.register_buffer("z", Noise(seed, "chains", 0).normal((n_train, latent_dim), torch.float64))
        self.register_buffer("step_size", torch.tensor(FIRST_STEP, dtype=torch.float64))
        self.register_buffer("acceptance", torch.tensor(1.0, dtype=torch.float64))

    def round_samples(self, batch_size: int) -> int:
        """Return K N + 5 M for count="gradients", 5 M for count="updates" (see `Objective.round_samples`)."""
        return self._e_step_samples + self.updates * batch_size

    @property
    def _e_step_samples(self) -> int:
        return self.leapfrogs * len(self.z) if self.count == "gradients" else 0

    def metrics(self) -> dict[str, float]:
        """Return acceptance (mean over about the last 20 rounds) and step_size of the sampler."""
        return {"acceptance": self.acceptance.item(), "step_size": self.step_size.item()}

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield `updates` updates of theta, after the E-step (see `Objective.forward`)."""
        for k in range(self.updates):
            x, index, noise = next(stream)
            if k == 0:
                self._e_step(model, cast(TrainingData, stream), noise)
            log_pxz = model.log_joint(x, self.z[index]).mean()
            samples = len(x) + (self._e_step_samples if k == 0 else 0)
            yield Update(-log_pxz, ("theta",), samples, {"log_joint": log_pxz.detach()})

    @torch.no_grad()
    def _e_step(self, model: VAE, data: TrainingData, noise: Noise) -> None:
        if isinstance(model.prior(), Bernoulli):
            raise UserError(
                "objective=mcem: Hamiltonian chains need a continuous z, and z of this model is binary; "
                "allowed: a normal p(z); try: objective=variational_em"
            )
        if data.dynamic:
            raise UserError(
                "objective=mcem: targets that are drawn anew at every presentation have no fixed posterior to sample; "
                "allowed: fixed targets; try: data.targets=threshold"
            )
        log_joint = BlockLogDensity([posterior(model, x) for x in data.x.split(ROWS)], ROWS)
        transition = hmc(log_joint, chains_at(log_joint, self.z), self.step_size, self.leapfrogs, noise)
        self.z.copy_(transition.chains.position)
        self.acceptance.lerp_(transition.acceptance.mean().to(self.acceptance), RECENT)
        self.step_size.copy_(authors_rule(self.step_size, transition.accepted))


def posterior(model: VAE, x: Tensor) -> LogDensity:
    """Return log p(x, z) as a function of z, with its gradient in closed form where that is implemented.

    Args:
        model: The model p(x, z).
        x: Images, (M, D); row m belongs to row m of z, (M, J).

    Returns:
        The unnormalised log-density of p(z|x).
    """
    if BernoulliPosterior.fits(model):
        return BernoulliPosterior(model.decoder, x)  # type: ignore[arg-type]  # `fits` has checked
    return lambda z: model.log_joint(x, z)
