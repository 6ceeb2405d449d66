"""Rounds that are recorded and replayed are the rounds themselves. A tape stands in for CUDA's graphs where there are none."""

import math

import pytest
import torch

from aevb.config import difference, fingerprint
from aevb.errors import UserError
from aevb.models.bernoulli import BernoulliDecoder, BernoulliEncoder, LinearBernoulliDecoder, LinearBernoulliEncoder
from aevb.models.convolutional import ConvolutionalEncoder
from aevb.models.gaussian import FixedVarianceDecoder, GaussianDecoder, GaussianEncoder
from aevb.models.linear import LinearGaussianDecoder, LinearGaussianEncoder
from aevb.models.prior import BernoulliPrior, StandardNormal
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.objectives.arm import ARM
from aevb.objectives.autoencoder import Autoencoder
from aevb.objectives.beta_vae import BetaVAE
from aevb.objectives.dreg import DReG
from aevb.objectives.full_vb import FullVB
from aevb.objectives.iwae import IWAE
from aevb.objectives.lagging import Lagging
from aevb.objectives.nvil import NVIL
from aevb.objectives.objective import Objective
from aevb.objectives.score_function import ScoreFunction
from aevb.objectives.sgvb_a import SGVB_A
from aevb.objectives.sgvb_b import SGVB_B
from aevb.objectives.vimco import VIMCO
from aevb.objectives.wake_sleep import WakeSleep
from aevb.optimizers import adagrad
from aevb.optimizers.adagrad import AuthorsAdagrad
from aevb.training.clipping import UNCLIPPED, Clipping
from aevb.training.engines.stack import Seat, Stack
from aevb.training.graph import WARM, counts_on_device, is_static
from aevb.training.module import Diverged, Training
from aevb.training.plan import Block, Plan
from aevb.training.stream import Stream
from aevb.training.window import Window
from commands import settings
from faults.short_runs import outcome
from faults.short_runs import train as short_run
from tape import Tape

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
STATIC = [  # model, objective, engine, optimiser
    ("paper", SGVB_B, "closed_form", "authors"),
    ("paper", SGVB_B, "autograd", "adam"),
    ("paper", SGVB_B, "closed_form", "sgd"),
    ("gaussian", lambda: SGVB_A(samples=2), "closed_form", "adam"),
    ("relu", SGVB_A, "auto", "authors"),
    ("paper", WakeSleep, "closed_form", "authors"),
    ("paper", WakeSleep, "autograd", "adam"),
    ("paper", lambda: IWAE(3), "auto", "authors"),
    ("linear", lambda: DReG(3), "auto", "adam"),
    ("paper", lambda: BetaVAE(beta=2.0, warm_up=60, free_bits=0.1), "auto", "adam"),
    ("binary", lambda: VIMCO(3), "auto", "adam"),
    ("binary", ARM, "auto", "adam"),
    ("belief", lambda: ScoreFunction(baseline="running"), "auto", "adam"),
    ("belief", lambda: NVIL(D, baseline_units=3), "auto", "adam"),
    ("point", Autoencoder, "auto", "authors"),
    ("full", lambda: FullVB(N, samples=2), "auto", "adam"),
]


@pytest.fixture(autouse=True)
def as_on_a_gpu(monkeypatch):
    """The step of other devices than a CPU: it asks for no number."""
    monkeypatch.setattr(adagrad, "_on_host", lambda parameters: False)


class OnTape(Training):
    """On a CPU, with a tape for a graph. tape: None for rounds that are taken one by one."""

    tape: Tape | None = None

    def capture(self):
        return self.tape


def training(
    model="paper", objective=SGVB_B, engine="closed_form", optimizer="authors", *, steps=K, tape=True, **options
) -> OnTape:
    """At the beginning of a fit, parameters of order one."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        vae, objective = MODELS[model]().double(), objective().double()
        for parameter in vae.parameters():
            parameter.add_(0.5 * torch.randn(parameter.shape))
        x = torch.rand(N, D, dtype=torch.float64)
    stream = Stream(x, M, seed=3, dynamic=options.pop("dynamic", False))
    make, clipping = OPTIMIZERS.get(optimizer, optimizer), options.pop("clipping", UNCLIPPED)
    module = OnTape(vae, objective, stream, make, Window(10_000), engine, clipping, steps)
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


@pytest.mark.parametrize(("model", "objective", "engine", "optimizer"), STATIC)
def test_replays_are_the_rounds_one_by_one(model, objective, engine, optimizer):
    options = {"model": model, "objective": objective, "engine": engine, "optimizer": optimizer, "dynamic": True}
    plain, replayed = training(**options, tape=False), training(**options)
    train(plain, BLOCKS)
    train(replayed, BLOCKS)
    assert (replayed.tape.recorded, replayed.tape.replayed) == (1, 6)
    assert replayed.samples_seen == 31 * M
    torch.testing.assert_close(state(replayed), state(plain), rtol=1e-12, atol=1e-13)


def test_the_curve_is_the_same_value_for_value():
    plain, replayed = train(training(tape=False), BLOCKS), train(training(), BLOCKS)
    assert len(plain.window.state_dict()) > 0
    torch.testing.assert_close(replayed.window.state_dict(), plain.window.state_dict(), rtol=1e-12, atol=1e-13)
    assert replayed.window.mean == pytest.approx(plain.window.mean, rel=1e-12)


@pytest.mark.parametrize("clipping", [Clipping(value=0.01), Clipping(norm=0.05)])
def test_gradients_are_clipped_in_replays_too(clipping):
    plain, clipped = training(optimizer="sgd", tape=False), training(optimizer="sgd", clipping=clipping)
    reference = training(optimizer="sgd", clipping=clipping, tape=False)
    for module in (plain, clipped, reference):
        train(module, [4, 8])
    torch.testing.assert_close(state(clipped), state(reference), rtol=1e-12, atol=1e-13)
    assert not torch.allclose(plain.model.theta[0], clipped.model.theta[0], rtol=1e-3)


def test_every_mark_is_met_exactly():
    module = training()
    for block in Plan(lambda: module.samples_seen, 400, M, 7 * M):
        module.training_step(block)
        assert module.samples_seen == block.stop
    assert module.stream.position == 80
    assert module.tape.replayed == 11  # from 30 on one in a block, but for the three rounds before the mark at 100


@pytest.mark.parametrize("cut", [1, 6, 9])
@pytest.mark.parametrize("optimizer", ["authors", "adam"])
def test_resumed_anywhere_it_goes_on_to_the_same_bits(cut, optimizer):
    """Also where the uninterrupted run was between two steps of one replay."""
    options = {"optimizer": optimizer, "dynamic": True}
    whole = train(training(**options), [4, 20])
    first = train(training(**options), [min(4, cut), *([cut - 4] if cut > 4 else [])])
    saved, optimizers = {"state_dict": first.state_dict()}, first.optimizers(use_pl_optimizer=False)
    first.on_save_checkpoint(saved)
    states = [one.state_dict() for one in optimizers]

    second = training(**options)
    second.load_state_dict(saved["state_dict"])
    second.on_load_checkpoint(saved)
    for one, old in zip(second.optimizers(use_pl_optimizer=False), states, strict=True):
        one.load_state_dict(old)
    train(second, [24 - cut])
    assert second.tape.replayed > 0
    torch.testing.assert_close(state(second), state(whole), rtol=0, atol=0)


def poisoned(optimizer: str) -> OnTape:
    """After three rounds; a datapoint of minibatch 5, in the midst of the first replay, is not a number."""
    module = train(training(optimizer=optimizer), [3])
    module.stream.x[module.stream.index(5)[0]] = math.nan
    return module


def test_a_block_that_diverges_is_taken_again_one_by_one_and_the_step_named():
    module = poisoned("sgd")
    with pytest.raises(Diverged, match=r"diverged at samples_seen=30 \(seed 3\): loss and bound and the gradient of "):
        train(module, [16])
    assert module.tape.replayed == 4, "the block was replayed, and then not again"


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_what_replays_changed_is_undone_before_the_block_is_taken_again(optimizer):
    before, module = train(training(optimizer=optimizer), [3]), poisoned(optimizer)
    take = module._rounds
    module._rounds = lambda block, optimizers, watched: [] if watched else take(block, optimizers, watched)
    with pytest.raises(Diverged):
        train(module, [16])
    torch.testing.assert_close(state(module), state(before), rtol=0, atol=0)


def test_a_stop_is_heard_between_replays():
    module = train(training(), [4, 4])
    assert module.tape.replayed == 1
    module.told_to_stop = True
    train(module, [16])
    assert module.stopping
    assert module.samples_seen == 12 * M


def test_no_recording_before_the_first_rounds():
    module = train(training(), [K])
    assert module.tape.recorded == 0 < WARM <= K
    assert train(module, [K]).tape.recorded == 1


@pytest.mark.parametrize("why", ["steps", "ranks", "seat", "objective", "derived", "model", "optimizer"])
def test_what_cannot_be_recorded_is_taken_one_by_one(why):
    class Derived(SGVB_B):
        """Of a user: what it does is not known."""

    options = {
        "steps": {"steps": 0},
        "objective": {"objective": lambda: Lagging(1000, D), "engine": "auto"},
        "derived": {"objective": Derived, "engine": "auto"},
        "optimizer": {"optimizer": lambda groups: torch.optim.Adam(groups, lr=0.02)},
        "seat": {"engine": Seat(Stack(1), 0)},
    }
    if why == "objective":
        assert not is_static(Lagging.__new__(Lagging), MODELS["paper"]())
        return
    if why == "model":
        decoder = BernoulliDecoder(784, J, H)
        assert not is_static(SGVB_B(), VAE(ConvolutionalEncoder((28, 28), J), decoder, StandardNormal(J)))
        return
    module = training(**options.get(why, {}))
    if why == "ranks":
        module.stream.world = 2
        module.on_fit_start()
        assert module._graph is None
        return
    if why == "seat":
        assert module._graph is None
        return
    train(module, [4, 8])
    assert module.tape.recorded == 0
    reference = train(training(**options.get(why, {}), tape=False), [4, 8])
    if why == "derived":
        assert module.stream.ahead == 0, "its noise is the host's, as on a CPU"
    else:
        torch.testing.assert_close(state(module), state(reference), rtol=1e-12, atol=1e-13)


def test_on_a_cpu_nothing_of_this_happens():
    vae = MODELS["paper"]()
    module = Training(vae, SGVB_B(), Stream(torch.rand(N, D), M, 0), OPTIMIZERS["sgd"], Window(10), graph_steps=K)
    module.on_fit_start()
    assert module._graph is None
    assert module.stream.ahead == 0
    assert type(next(module.stream).noise) is Noise


class Asks(Objective):
    """Looks at a number, which a graph cannot."""

    capturable = True

    def forward(self, model, stream):
        for update in SGVB_B()(model, stream):
            assert update.loss.item() < math.inf
            yield update


class Counts(Objective):
    """Counts its calls, which is no tensor."""

    capturable = True
    calls = 0

    def forward(self, model, stream):
        self.calls += 1
        yield from SGVB_B()(model, stream)


def test_the_tape_does_not_call_python_again():
    module = train(training(objective=Counts, engine="auto"), [K, K])
    assert module.objective.calls == 2 * K
    train(module, [2 * K])
    assert (module.tape.replayed, module.objective.calls) == (3, 2 * K)


class FromTheHost(Objective):
    """Brings numbers along that the host has drawn."""

    capturable = True

    def forward(self, model, stream):
        for update in SGVB_B()(model, stream):
            drawn = Noise(0, "noise", 0).normal((1, 1), torch.float64).squeeze()
            yield update._replace(loss=update.loss + drawn)


@pytest.mark.parametrize("objective", [Asks, FromTheHost])
def test_a_round_that_talks_to_the_host_is_refused_in_one_line(objective):
    module = train(training(objective=objective, engine="auto"), [K])
    with pytest.raises(
        UserError, match=r"trainer\.graph_steps=4: the rounds could not be recorded \(operation not"
    ) as told:
        train(module, [K])
    assert str(told.value).endswith("try: trainer.graph_steps=0")


def test_an_optimiser_that_counts_elsewhere_is_seen():
    w = torch.nn.Parameter(torch.zeros(2, device="meta"))
    counting = torch.optim.SGD([w])
    assert counts_on_device(counting)
    counting.state[w]["step"] = torch.zeros(())
    assert not counts_on_device(counting)


@pytest.fixture
def tapes(monkeypatch):
    """Tapes of the runs that are trained, as if they were on a GPU."""
    made = []

    def capture(self):
        made.append(Tape())
        return made[-1]

    monkeypatch.setattr(Training, "capture", capture)
    return made


def test_whole_runs_with_and_without_a_graph_and_extended(tapes, tmp_path):
    """Through the worker: evaluations, checkpoints and marks between the replays, to the same bits."""
    kind = "objective=iwae", "trainer.sampling=replacement", "data.targets=dynamic"
    whole = outcome(short_run(tmp_path / "whole", 3000, "trainer.block=20", "trainer.graph_steps=8", *kind))
    assert tapes[0].recorded == 1 <= tapes[0].replayed <= 3
    assert outcome(short_run(tmp_path / "plain", 3000, "trainer.block=20", "trainer.graph_steps=0", *kind)) == whole
    assert tapes[1].recorded == 0
    short_run(tmp_path / "extended", 1700, "trainer.block=20", "trainer.graph_steps=8", *kind)
    extended = short_run(tmp_path / "extended", 3000, "trainer.block=20", "trainer.graph_steps=8", *kind)
    assert tapes[3].replayed > 0
    assert outcome(extended)[0] == whole[0]


def test_a_graph_is_no_part_of_a_runs_identity():
    one, other = settings(), settings("trainer.graph_steps=0")
    assert fingerprint(one) == fingerprint(other)
    one["trainer"].pop("graph_steps")
    assert not difference(one, other), "runs made before there was such a key"
