"""The engine that computes a large minibatch in shares, one after another: gradient accumulation.

    grad L(minibatch) = (1/A) sum_a grad L(share a)

for a loss that is a mean over data (`Objective.mean_over_data`). A share has the rows and the noise that
a rank of several devices would have (aevb.training.minibatches), so the result is that of the whole
minibatch up to the rounding of the sum, and memory for activations is needed for one share only.

The rounds of all shares advance together: every update is the mean over the shares, and the next one is
computed after the optimizer step, as on several devices.
"""

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import nn

from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Update
from aevb.training.minibatches import Stream

__all__ = ["Accumulated"]


class Accumulated:
    """Updates of another engine, averaged over the shares of a minibatch.

    Args:
        engine: Computes the gradients of a share.
        microbatches: Number of shares, A; the minibatch of a device is a multiple of it.
        groups: Parameters by the names in `Update.parameter_groups`.
    """

    def __init__(
        self,
        engine: Callable[[VAE, Iterator[Batch]], Iterator[Update]],
        microbatches: int,
        groups: Mapping[str, list[nn.Parameter]],
    ) -> None:
        self.engine, self.microbatches, self.groups = engine, microbatches, groups
        self._shares: list[Stream] = []

    def __call__(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield the updates of one round, with the mean gradients in `.grad`.

        Args:
            model: The model.
            stream: The `Stream` of the run; its position is advanced.
        """
        assert isinstance(stream, Stream)
        shares = self._shares_of(stream)
        rounds = [self.engine(model, share) for share in shares]
        while (first := next(rounds[0], None)) is not None:
            parameters = [p for name in first.parameter_groups for p in self.groups[name]]
            sums = [None if p.grad is None else p.grad.clone() for p in parameters]
            updates = [first]
            for other in rounds[1:]:
                updates.append(next(other))
                for parameter, total in zip(parameters, sums, strict=True):
                    if total is not None and parameter.grad is not None:
                        total.add_(parameter.grad)
            for parameter, total in zip(parameters, sums, strict=True):
                parameter.grad = None if total is None else total.div_(self.microbatches)
            stream.position = shares[0].position
            yield _mean(updates)
        for other in rounds[1:]:
            next(other, None)
        stream.position = shares[0].position

    def _shares_of(self, stream: Stream) -> list[Stream]:
        if not self._shares:
            first, world = stream.rank * self.microbatches, stream.world * self.microbatches
            self._shares = [
                Stream(
                    stream.x,
                    stream.batch_size,
                    stream.seed,
                    sampling=stream.sampling,
                    dynamic=stream.dynamic,
                    rank=first + share,
                    world=world,
                )
                for share in range(self.microbatches)
            ]
            for share in self._shares[:-1]:
                share.counted = 0
        for share in self._shares:
            share.x, share.position, share.ahead = stream.x, stream.position, stream.ahead
        return self._shares


def _mean(updates: list[Update]) -> Update:
    stats = {name: torch.stack([update.stats[name] for update in updates]).mean() for name in updates[0].stats}
    loss = torch.stack([update.loss for update in updates]).mean()
    return Update(loss, updates[0].parameter_groups, sum(update.samples for update in updates), stats)
