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


def training(seed, latent_dim, lr, objective, decoder, engine):
    model = VAE(GaussianEncoder(D, latent_dim, H), DECODERS[decoder](D, latent_dim, H), StandardNormal(latent_dim))
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


def trained(place, objective, decoder, engine, steps, context):
    """Bounds at every block, final parameters, and the hash of minibatches and noise."""
    module = training(*MEMBERS[place], objective(), decoder, engine)
    bounds = []
    with context:
        while module.samples_seen < steps * M:
            module.training_step(Block(module.samples_seen, min(module.samples_seen + 7 * M, steps * M)))
            bounds.append(module.window.mean)
    return bounds, [parameter.detach().clone() for parameter in module.parameters()], module.stream.seen.hexdigest()


def together(stack, jobs):
    """Each job in a thread; what it returned or raised, by place."""
    results = {}

    def work(place, job):
        try:
            results[place] = job()
        except BaseException as failure:
            results[place] = failure

    threads = [threading.Thread(target=work, args=item, daemon=True) for item in jobs.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return results


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize(
    "objectives",
    [[SGVB_B] * 3, [SGVB_A] * 3, [lambda: SGVB_B(samples=2, beta=4.0)] * 3, [SGVB_B, SGVB_A, lambda: SGVB_B(beta=0.5)]],
    ids=["sgvb_b", "sgvb_a", "beta", "mixed"],
)
def test_a_member_trains_as_it_would_alone(objectives, decoder):
    """Also one whose budget ends earlier than the others'."""
    steps = [60, 60, 41]
    stack = GradientBatcher(3)
    results = together(
        stack,
        {
            place: lambda place=place: trained(
                place, objectives[place], decoder, Slot(stack, place), steps[place], stack.run_member(place)
            )
            for place in range(3)
        },
    )
    for place in range(3):
        alone = trained(place, objectives[place], decoder, "closed_form", steps[place], nullcontext())
        assert results[place][2] == alone[2]
        torch.testing.assert_close(results[place][:2], alone[:2], rtol=0, atol=1e-11)
        autograd = trained(place, objectives[place], decoder, "autograd", steps[place], nullcontext())
        torch.testing.assert_close(results[place][:2], autograd[:2], rtol=0, atol=1e-8)


def test_one_that_fails_leaves_and_the_others_go_on():
    stack = GradientBatcher(3)

    def fails():
        with stack.run_member(1):
            raise OSError("its disk is full")

    def works(place):
        return trained(place, SGVB_B, "bernoulli", Slot(stack, place), 10, stack.run_member(place))

    results = together(stack, {0: lambda: works(0), 1: fails, 2: lambda: works(2)})
    assert isinstance(results[1], OSError)
    for place in (0, 2):
        alone = trained(place, SGVB_B, "bernoulli", "closed_form", 10, nullcontext())
        torch.testing.assert_close(results[place][:2], alone[:2])


def test_a_common_step_that_fails_ends_all_and_hangs_none():
    """Minibatches of different size cannot be stacked: every member hears of it."""
    stack = GradientBatcher(2)

    def works(place, rows):
        module = training(*MEMBERS[place], SGVB_B(), "bernoulli", Slot(stack, place))
        module.stream.batch_size = rows
        with stack.run_member(place):
            module.training_step(Block(0, M))

    results = together(stack, {0: lambda: works(0, M), 1: lambda: works(1, M + 1)})
    assert all(isinstance(result, RuntimeError) for result in results.values())
