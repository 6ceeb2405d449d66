"""Models, objectives and optimizers whose rounds can be recorded, and their training with a tape for a graph."""

import torch

from aevb.models.bernoulli import BernoulliDecoder, BernoulliEncoder, LinearBernoulliDecoder, LinearBernoulliEncoder
from aevb.models.gaussian import FixedVarianceDecoder, GaussianDecoder, GaussianEncoder
from aevb.models.linear import LinearGaussianDecoder, LinearGaussianEncoder
from aevb.models.prior import BernoulliPrior, StandardNormal
from aevb.models.vae import VAE
from aevb.objectives.arm import ARM
from aevb.objectives.autoencoder import Autoencoder
from aevb.objectives.beta_vae import BetaVAE
from aevb.objectives.dreg import DReG
from aevb.objectives.full_vb import FullVB
from aevb.objectives.iwae import IWAE
from aevb.objectives.nvil import NVIL
from aevb.objectives.score_function import ScoreFunction
from aevb.objectives.sgvb_a import SGVB_A
from aevb.objectives.sgvb_b import SGVB_B
from aevb.objectives.vimco import VIMCO
from aevb.objectives.wake_sleep import WakeSleep
from aevb.optimizers.adagrad import AuthorsAdagrad
from aevb.training.minibatches import Stream
from aevb.training.module import Training
from aevb.training.running_mean import RunningMean
from aevb.training.schedule import Block
from helpers.tape import Tape

N, M, D, J, H, K = 37, 5, 6, 2, 4, 4
MODELS = {
    "paper": lambda: VAE(GaussianEncoder(D, J, H), BernoulliDecoder(D, J, H), StandardNormal(J)),
    "gaussian": lambda: VAE(GaussianEncoder(D, J, H), GaussianDecoder(D, J, H), StandardNormal(J)),
    "relu": lambda: VAE(GaussianEncoder(D, J, H, "relu"), FixedVarianceDecoder(D, J, H), StandardNormal(J)),
    "linear": lambda: VAE(LinearGaussianEncoder(D, J), LinearGaussianDecoder(D, J), StandardNormal(J)),
    "binary": lambda: VAE(BernoulliEncoder(D, J, H), BernoulliDecoder(D, J, H), BernoulliPrior(J, learnt=True)),
    "belief": lambda: VAE(LinearBernoulliEncoder(D, J), LinearBernoulliDecoder(D, J), BernoulliPrior(J)),
    "point": lambda: VAE(GaussianEncoder(D, J, H, variance=0), BernoulliDecoder(D, J, H), StandardNormal(J)),
    "full": lambda: VAE(GaussianEncoder(D, J, H), BernoulliDecoder(D, J, H), StandardNormal(J), theta_log_var=-4.0),
}
OPTIMIZERS = {
    "authors": lambda groups: AuthorsAdagrad(groups, M, lr=0.1, warmup=6),  # ends in a replay
    "adam": lambda groups: torch.optim.Adam(groups, lr=0.02, fused=True, capturable=True),
    "sgd": lambda groups: torch.optim.SGD(groups, lr=0.05, momentum=0.9, fused=True),
}
STATIC = [  # model, objective, engine, optimizer
    ("paper", SGVB_B, "closed_form", "authors"),
    ("paper", SGVB_B, "autograd", "adam"),
    ("paper", SGVB_B, "closed_form", "sgd"),
    ("gaussian", lambda: SGVB_A(samples=2), "closed_form", "adam"),
    ("relu", SGVB_A, "auto", "authors"),
    ("paper", WakeSleep, "closed_form", "authors"),
    ("paper", WakeSleep, "autograd", "adam"),
    ("paper", lambda: IWAE(3), "closed_form", "authors"),
    ("gaussian", lambda: DReG(3), "closed_form", "adam"),
    ("relu", lambda: IWAE(3), "autograd", "adam"),
    ("linear", lambda: DReG(3), "auto", "adam"),
    ("paper", lambda: BetaVAE(beta=2.0, warm_up=60, free_bits=0.1), "closed_form", "adam"),
    ("relu", lambda: BetaVAE(beta=2.0, warm_up=60, free_bits=0.1), "auto", "adam"),
    ("binary", lambda: VIMCO(3), "auto", "adam"),
    ("binary", ARM, "auto", "adam"),
    ("belief", lambda: ScoreFunction(baseline="running"), "auto", "adam"),
    ("belief", lambda: NVIL(D, baseline_units=3), "auto", "adam"),
    ("point", Autoencoder, "auto", "authors"),
    ("full", lambda: FullVB(N, samples=2), "auto", "adam"),
]


class OnTape(Training):
    """Training on a CPU, with a tape for a CUDA graph; tape: None if rounds are executed one by one."""

    tape: Tape | None = None

    def capture(self):
        return self.tape


def training(
    model="paper", objective=SGVB_B, engine="closed_form", optimizer="authors", *, steps=K, tape=True, **options
) -> OnTape:
    """At the beginning of a fit, parameters of order one."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        vae, objective = MODELS[model]().double(), objective().double()
        for parameter in vae.parameters():
            parameter.add_(0.5 * torch.randn(parameter.shape))
        x = torch.rand(N, D, dtype=torch.float64)
    stream = Stream(x, M, seed=3, dynamic=options.pop("dynamic", False))
    make, clipping = OPTIMIZERS.get(optimizer, optimizer), options.pop("clipping", None)
    more = {name: options.pop(name) for name in ("schedule", "microbatches") if name in options}
    module = OnTape(vae, objective, stream, make, RunningMean(10_000), engine, clipping, steps, **more)
    optimizers = module.configure_optimizers()
    module.optimizers = lambda use_pl_optimizer: optimizers
    module.tape = Tape() if tape else None
    module.on_fit_start()
    if not tape:
        module.stream.ahead = 7  # the same numbers, prepared otherwise
    return module


def train(module: Training, blocks: list[int]) -> Training:
    """Blocks of so many minibatches."""
    for rounds in blocks:
        module.training_step(Block(module.samples_seen, module.samples_seen + rounds * M))
    return module


def state(module: Training) -> dict:
    """Everything that a checkpoint has."""
    saved: dict = {"state_dict": module.state_dict(), "optimizers": []}
    module.on_save_checkpoint(saved)
    for optimizer in module.optimizers(use_pl_optimizer=False):
        saved["optimizers"].append(optimizer.state_dict()["state"])
    return saved


BLOCKS = [1, 2, 4, 9, 3, 12]  # one by one: 1 2 -- the first replays: 4 -- 4 4 1 -- 3 -- 4 4 4
