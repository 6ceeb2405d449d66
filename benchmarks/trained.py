"""A model that has learnt something, quickly: what importance sampling is timed on."""

import torch

from aevb.models.vae import VAE
from benchmarks.recipe import BenchmarkModel
from benchmarks.rivals.hand import Hand

__all__ = ["trained"]


def trained(recipe: BenchmarkModel, steps: int | None = None) -> VAE:
    """aevb's model with the weights of the hand-written loop after `steps` minibatches: 500, or fewer where turns are brief."""
    steps = min(500, 20 * recipe.unit) if steps is None else steps
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several are at it at once
    x = torch.from_numpy(recipe.train().copy())
    model = recipe.model()
    hand = Hand(model, recipe.batch_size, recipe.lr, len(x))
    generator = torch.Generator().manual_seed(recipe.seed)
    for _ in range(steps):
        index = torch.randint(len(x), (recipe.batch_size,), generator=generator)
        hand.step(x[index], torch.randn(recipe.batch_size, recipe.latent_dim, generator=generator))
    torch.set_num_threads(threads)
    model.load_state_dict(hand.state_dict())
    return model.requires_grad_(False).eval()
