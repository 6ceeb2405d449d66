r"""Monte Carlo EM (Wei & Tanner 1990) with a Hamiltonian sampler, the rival of the paper's section 5 (appendix E).

    z_1 .. z_N <- draws from p(z)
    repeat
        E-step:  one HMC trajectory of K leapfrogs on p(z_n|x_n) for every training point n, from where its chain stands;
                 step size longer or shorter for the next, towards an acceptance of 0.9
        M-step:  5 times:  X^M <- random minibatch;  theta <- one step up  mean log p(x, z)     (+ log p(theta) / N)

No q(z|x): conf/objective/mcem.yaml takes the encoder out of the model, and leaves evaluators that need none. The chains persist:
the posterior moves little in a round, so one trajectory keeps up with it. The step size follows the chains' own past, as in
the authors' code, so they are at the posterior up to that (aevb.samplers.step_size).

What a round counts on the clock is nowhere said. In the paper's Figure 3 every vertex of its curve lies at a multiple of 15,000
(N = 1000) and of 1,500,000 (N = 50,000) samples: 15 N a round fits both, 10 leapfrogs and 5 updates, each of all N points. So
`gradients`, the default, counts every point at which a leapfrog or an update takes a gradient, K N + 5 M a round, which is
the paper's 15 N with batch_size=N; `updates` counts what the weights saw, 5 M. With that, step size 0.1 and no warm-up, N = 1000,
the mean log p(x) of the training set (appendix D, Gaussian) at 0.405, 0.84, 1.065 and 2.085e6 samples is -154.5, -142.5, -139.4
and -132.3 nats, the paper's -152.1, -141.6, -138.4 and -131.1; with M = 100 it is -160.4, -150.4, -146.4 and -136.5. One seed.
"""

from collections.abc import Iterator
from typing import Literal, Protocol, cast

import torch
from torch import Tensor

from aevb.distributions import Bernoulli
from aevb.errors import UserError
from aevb.models.closed_form_gradients import BernoulliPosterior
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.objectives.objective import Batch, Objective, Update
from aevb.samplers.hmc import InBlocks, LogDensity, chains_at, hmc
from aevb.samplers.step_size import authors_rule
from aevb.types import NonNegativeFloat, PositiveInt, Seed

__all__ = ["MCEM"]

Count = Literal["gradients", "updates"]

FIRST_STEP = 0.01  # the authors'
ROWS = 500  # chains moved at once: what fits a processor's cache
RECENT = 0.05  # weight of the last trajectory in the mean acceptance


class _Whole(Protocol):
    """What the E-step asks of the stream beside its minibatches."""

    x: Tensor
    dynamic: bool


class MCEM(Objective):
    """One trajectory of all chains, then `updates` minibatches, a step of theta each.

    n_train: N. latent_dim: J. leapfrogs: K. updates: in an M-step. count: what moves the clock, see above. seed: of the chains'
    beginning. weight_prior: see `Objective`; of the decoder's weights alone.

    Buffers: z (N, J), row n the chain of training point n; step_size, one for all; acceptance, mean over about the last 20
    trajectories.
    """

    mean_over_data = False  # the chains are of all data, and one step size follows them all
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
        """K N + 5 M, or 5 M."""
        return self._explored + self.updates * batch_size

    @property
    def _explored(self) -> int:
        return self.leapfrogs * len(self.z) if self.count == "gradients" else 0

    def metrics(self) -> dict[str, float]:
        """acceptance (mean over about 20 rounds) and step_size of the sampler."""
        return {"acceptance": self.acceptance.item(), "step_size": self.step_size.item()}

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """The trajectory belongs to the first update."""
        for k in range(self.updates):
            x, index, noise = next(stream)
            if k == 0:
                self._explore(model, cast(_Whole, stream), noise)
            log_pxz = model.log_joint(x, self.z[index]).mean()
            samples = len(x) + (self._explored if k == 0 else 0)
            yield Update(-log_pxz, ("theta",), samples, {"log_joint": log_pxz.detach()})

    @torch.no_grad()
    def _explore(self, model: VAE, data: _Whole, noise: Noise) -> None:
        if isinstance(model.prior(), Bernoulli):
            raise UserError(
                "objective=mcem: Hamiltonian chains need a continuous z, and this model's is binary; allowed: a normal p(z); "
                "try: objective=variational_em"
            )
        if data.dynamic:
            raise UserError(
                "objective=mcem: targets drawn anew at every presentation have no posterior for a chain to stay at; "
                "allowed: fixed targets; try: data.targets=threshold"
            )
        log_joint = InBlocks([posterior(model, x) for x in data.x.split(ROWS)], ROWS)
        after = hmc(log_joint, chains_at(log_joint, self.z), self.step_size, self.leapfrogs, noise)
        self.z.copy_(after.chains.position)
        self.acceptance.lerp_(after.acceptance.mean().to(self.acceptance), RECENT)
        self.step_size.copy_(authors_rule(self.step_size, after.accepted))


def posterior(model: VAE, x: Tensor) -> LogDensity:
    """log p(x, z) as a function of z (M, J), row by row with x (M, D); its gradient in closed form where there is one."""
    if BernoulliPosterior.fits(model):
        return BernoulliPosterior(model.decoder, x)  # type: ignore[arg-type]  # `fits` has looked
    return lambda z: model.log_joint(x, z)
