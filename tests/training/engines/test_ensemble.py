"""Runs trained together against the same runs alone: members of other seeds, learning rates, latent sizes and objectives."""

import hashlib
import threading
from contextlib import nullcontext

import pytest
import torch

from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.gaussian import GaussianDecoder, GaussianEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.objectives.sgvb_a import SGVB_A
from aevb.objectives.sgvb_b import SGVB_B
from aevb.optimizers.adagrad import AuthorsAdagrad
from aevb.training.engines.ensemble import GradientBatcher, Slot
from aevb.training.minibatches import Stream
from aevb.training.module import Training
from aevb.training.running_mean import RunningMean
from aevb.training.schedule import Block

N, M, D, H = 200, 20, 12, 9
DECODERS = {"bernoulli": BernoulliDecoder, "gaussian": GaussianDecoder}


class Traced(Stream):
    """A stream that hashes the positions and the noise it gives."""

    def __next__(self):
        if not hasattr(self, "seen"):
            self.seen = hashlib.sha256()
        batch = super().__next__()
        self.seen.update(batch.index.numpy().tobytes())
        normal = batch.noise.normal

        def traced(shape, dtype):
            eps = normal(shape, dtype)
            self.seen.update(eps.numpy().tobytes())
            return eps

        batch.noise.normal = traced
        return batch


def training(seed, latent_dim, lr, objective, decoder, engine, hidden=H):
    encoder, decoder = GaussianEncoder(D, latent_dim, hidden), DECODERS[decoder](D, latent_dim, hidden)
    model = VAE(encoder, decoder, StandardNormal(latent_dim))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    x = torch.rand(N, D, generator=torch.Generator().manual_seed(9)).double()

    def make_optimizer(groups):
        return AuthorsAdagrad(groups, M, lr=lr, warmup=3)

    module = Training(model.double(), objective, Traced(x, M, seed), make_optimizer, RunningMean(1000), engine)
    optimizers = module.configure_optimizers()
    module.optimizers = lambda use_pl_optimizer: optimizers
    return module


MEMBERS = [(0, 2, 0.02), (1, 5, 0.01), (2, 3, 0.05)]  # seed, latent_dim, learning rate


def train_member(index, objective, decoder, engine, steps, context, hidden=H):
    """Bounds at every block, final parameters, and the hash of minibatches and noise."""
    module = training(*MEMBERS[index], objective(), decoder, engine, hidden)
    bounds = []
    with context:
        while module.samples_seen < steps * M:
            module.training_step(Block(module.samples_seen, min(module.samples_seen + 7 * M, steps * M)))
            bounds.append(module.window.mean)
    return bounds, [parameter.detach().clone() for parameter in module.parameters()], module.stream.seen.hexdigest()


def together(batcher, jobs):
    """Each job in a thread; what it returned or raised, by index."""
    results = {}

    def work(index, job):
        try:
            results[index] = job()
        except BaseException as failure:
            results[index] = failure

    threads = [threading.Thread(target=work, args=item, daemon=True) for item in jobs.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return results


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize(
    ("objectives", "hidden"),
    [
        ([SGVB_B] * 3, H),
        ([SGVB_A] * 3, H),
        ([lambda: SGVB_B(samples=2, beta=4.0)] * 3, H),
        ([SGVB_B, SGVB_A, lambda: SGVB_B(beta=0.5)], [H, 4]),
    ],
    ids=["sgvb_b", "sgvb_a", "beta", "mixed, two layers"],
)
def test_a_member_trains_as_it_would_alone(objectives, hidden, decoder):
    """Also one whose budget ends earlier than the others'."""
    steps = [60, 60, 41]
    batcher = GradientBatcher(3)
    results = together(
        batcher,
        {
            index: lambda index=index: train_member(
                index, objectives[index], decoder, Slot(batcher, index), steps[index], batcher.run_member(index), hidden
            )
            for index in range(3)
        },
    )
    for index in range(3):
        alone = train_member(index, objectives[index], decoder, "closed_form", steps[index], nullcontext(), hidden)
        assert results[index][2] == alone[2]
        torch.testing.assert_close(results[index][:2], alone[:2], rtol=0, atol=1e-11)
        autograd = train_member(index, objectives[index], decoder, "autograd", steps[index], nullcontext(), hidden)
        torch.testing.assert_close(results[index][:2], autograd[:2], rtol=0, atol=1e-8)


def test_a_member_that_fails_leaves_the_others_running():
    batcher = GradientBatcher(3)

    def fails():
        with batcher.run_member(1):
            raise OSError("its disk is full")

    def works(index):
        return train_member(index, SGVB_B, "bernoulli", Slot(batcher, index), 10, batcher.run_member(index))

    results = together(batcher, {0: lambda: works(0), 1: fails, 2: lambda: works(2)})
    assert isinstance(results[1], OSError)
    for index in (0, 2):
        alone = train_member(index, SGVB_B, "bernoulli", "closed_form", 10, nullcontext())
        torch.testing.assert_close(results[index][:2], alone[:2])


def test_a_common_step_that_fails_ends_all_and_hangs_none():
    """Minibatches of different size cannot be stacked: every member hears of it."""
    batcher = GradientBatcher(2)

    def works(index, rows):
        module = training(*MEMBERS[index], SGVB_B(), "bernoulli", Slot(batcher, index))
        module.stream.batch_size = rows
        with batcher.run_member(index):
            module.training_step(Block(0, M))

    results = together(batcher, {0: lambda: works(0, M), 1: lambda: works(1, M + 1)})
    assert all(isinstance(result, RuntimeError) for result in results.values())
