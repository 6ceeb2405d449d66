"""A model that has learnt something, quickly: what importance sampling is timed on."""

import torch

from aevb.models.vae import VAE
from benchmarks.benchmark_model import BenchmarkModel
from benchmarks.rivals.hand import Hand

__all__ = ["load_trained"]


def load_trained(spec: BenchmarkModel, steps: int | None = None) -> VAE:
    """aevb's model with the weights of the hand-written loop after `steps` minibatches: 500, or fewer where turns are brief."""
    steps = min(500, 20 * spec.unit) if steps is None else steps
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several are at it at once
    x = torch.from_numpy(spec.train().copy())
    model = spec.model()
    hand = Hand(model, spec.batch_size, spec.lr, len(x))
    generator = torch.Generator().manual_seed(spec.seed)
    for _ in range(steps):
        index = torch.randint(len(x), (spec.batch_size,), generator=generator)
        hand.step(x[index], torch.randn(spec.batch_size, spec.latent_dim, generator=generator))
    torch.set_num_threads(threads)
    model.load_state_dict(hand.state_dict())
    return model.requires_grad_(False).eval()
