"""When a run evaluates, and the blocks of rounds between.

The marks are absolute: 1, 2, 3, 5 x 10^k training samples, whatever the budget, so that runs of different length share them;
where more are wanted, also the multiples of `every`. The plan is what Lightning takes for its data loader: it gives blocks of a
few rounds, cut at the marks and at the end.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from aevb.runs.evaluation_points import next_evaluation_point

__all__ = ["Block", "BlockSchedule"]


class Block(NamedTuple):
    """Train from `start` until samples_seen >= stop."""

    start: int
    stop: int


class BlockSchedule:
    """Blocks from `samples_seen()`, asked at every start of iteration, to `max_samples`.

    round_samples: by which the clock moves in a round of the objective. block: samples in a block at the most, or a round. A
    block whose end an objective has passed already is empty. every: of the marks.
    """

    def __init__(
        self,
        samples_seen: Callable[[], int],
        max_samples: int,
        round_samples: int,
        block: int,
        every: int | None = None,
    ) -> None:
        self.samples_seen, self.max_samples = samples_seen, max_samples
        self.round_samples, self.block, self.every = round_samples, block, every

    def __iter__(self) -> Iterator[Block]:
        start = self.samples_seen()
        while start < self.max_samples:
            stop = min(start + self.block, next_evaluation_point(start, self.every), self.max_samples)
            stop = start + -(-(stop - start) // self.round_samples) * self.round_samples  # whole rounds
            yield Block(start, stop)
            start = stop

    def __len__(self) -> int:
        return sum(1 for _ in self)
