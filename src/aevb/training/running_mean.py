"""The training curve of the paper: the mean of the minibatch bounds over the last training samples."""

import math
from collections import deque

__all__ = ["RunningMean"]


class RunningMean:
    """Mean of the bound over the last training samples, or over all of them while there are fewer.

    Args:
        samples: Length of the window, in training samples; the whole minibatches that cover it are used.

    Attributes:
        entries: Training samples and bound of each minibatch in the window, oldest first.
        held: Training samples in the window.
    """

    def __init__(self, samples: int) -> None:
        self.samples = samples
        self.entries: deque[tuple[int, float]] = deque()
        self.held = 0

    def add(self, samples: int, bound: float) -> None:
        """Add a minibatch.

        Args:
            samples: Number of its datapoints.
            bound: Their mean bound, nats per datapoint.
        """
        self.entries.append((samples, bound))
        self.held += samples
        while self.held - self.entries[0][0] >= self.samples:
            self.held -= self.entries.popleft()[0]

    @property
    def mean(self) -> float:
        """The mean, in nats per datapoint; nan before the first minibatch."""
        return math.fsum(n * bound for n, bound in self.entries) / self.held if self.held else math.nan

    def state_dict(self) -> dict[str, list[tuple[int, float]]]:
        """Return the entries, as plain containers for a checkpoint."""
        return {"entries": list(self.entries)}

    def load_state_dict(self, state: dict[str, list[tuple[int, float]]]) -> None:
        """Restore what `state_dict` returned.

        Args:
            state: The state.
        """
        self.entries = deque((int(n), float(bound)) for n, bound in state["entries"])
        self.held = sum(n for n, _ in self.entries)
