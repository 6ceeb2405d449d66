"""When a run is evaluated, and the blocks of rounds between evaluation points.

Evaluation points are absolute: 1, 2, 3, 5 x 10^k training samples, whatever the budget, so that runs
of different length share them; where more are wanted, also the multiples of a number. The block
schedule takes the place of Lightning's data loader: it yields blocks of a few rounds, cut at the
evaluation points and at the end.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from aevb.runs.progress import is_evaluation_point, is_former_end, next_evaluation_point

__all__ = ["Block", "BlockSchedule", "EvaluationSchedule"]


class Block(NamedTuple):
    """A stretch of training: from `start` until samples_seen >= `stop`.

    Attributes:
        start: samples_seen at the beginning.
        stop: samples_seen at the end, at least.
    """

    start: int
    stop: int


class EvaluationSchedule(NamedTuple):
    """The evaluation points of a run.

    Attributes:
        max_samples: Training samples of the whole run; its end is always evaluated.
        first: Evaluation points before this number of samples are skipped.
        every: If given, its multiples are evaluation points too.
    """

    max_samples: int
    first: int = 1
    every: int | None = None

    def is_reached(self, before: int, after: int) -> bool:
        """Return whether training from `before` to `after` samples reached an evaluation point or the end.

        Args:
            before: samples_seen at the beginning of a block.
            after: samples_seen at its end.
        """
        return after > before and (self.is_point(before, after) or after >= self.max_samples)

    def is_point(self, before: int, after: int) -> bool:
        """Return whether training from `before` to `after` samples reached an evaluation point, the end aside.

        Args:
            before: samples_seen at the beginning of a block.
            after: samples_seen at its end.
        """
        return after > before and after >= self.first and is_evaluation_point(before, after, self.every)

    def without_former_end(self, rows: list[dict[str, float]], round_samples: int) -> list[dict[str, float]]:
        """Return the rows that a longer run has too.

        Args:
            rows: Rows with a value `samples_seen`.
            round_samples: Training samples of one round.

        Returns:
            All rows but the end of a shorter run if that is none of the evaluation points.
        """
        if rows and is_former_end(int(rows[-1]["samples_seen"]), round_samples, self.first, self.every):
            return rows[:-1]
        return rows


class BlockSchedule:
    """The blocks of a run from where it is to its end; Lightning's data loader.

    Args:
        samples_seen: Returns the training samples so far; called whenever an iteration starts.
        max_samples: Training samples of the whole run.
        round_samples: Training samples of one round of the objective.
        block: Samples in a block at most; a block has at least one round. Where a round of the
            objective has passed the end of a block already, the block is empty.
        every: If given, blocks also end at its multiples.
        has_ended: Returns whether training has ended before max_samples.
    """

    def __init__(
        self,
        samples_seen: Callable[[], int],
        max_samples: int,
        round_samples: int,
        block: int,
        every: int | None = None,
        has_ended: Callable[[], bool] = lambda: False,
    ) -> None:
        self.samples_seen, self.max_samples, self.round_samples = samples_seen, max_samples, round_samples
        self.block, self.every, self.has_ended = block, every, has_ended

    def __iter__(self) -> Iterator[Block]:
        start = self.samples_seen()
        while start < self.max_samples and not self.has_ended():
            stop = min(start + self.block, next_evaluation_point(start, self.every), self.max_samples)
            stop = start + -(-(stop - start) // self.round_samples) * self.round_samples  # whole rounds
            yield Block(start, stop)
            start = stop

    def __len__(self) -> int:
        return sum(1 for _ in self)
