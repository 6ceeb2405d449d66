"""The model of one parameter in a plain loop: a minibatch, the loss, backward, a step. The rest of aevb's time is framework."""

import torch
from torch import nn

from benchmarks.benchmark_model import BenchmarkModel
from benchmarks.gate import Gate
from benchmarks.one_parameter import distance

__all__ = ["loop"]


def loop(spec: BenchmarkModel, gate: Gate) -> None:
    """Train until the gate closes."""
    x = torch.from_numpy(spec.train().copy())
    level = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.Adagrad([level], lr=spec.lr, fused=True)
    generator = torch.Generator().manual_seed(spec.seed)
    total = torch.zeros(())
    gate.open()
    while True:
        order = torch.randperm(len(x), generator=generator)
        for index in order[: len(x) // spec.batch_size * spec.batch_size].split(spec.batch_size):
            level.grad = None
            loss = distance(level, x.index_select(0, index))
            loss.backward()
            optimizer.step()
            total += loss.detach()
            gate()
