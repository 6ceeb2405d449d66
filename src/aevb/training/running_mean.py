"""The training curve of the paper: the mean of the minibatch bounds over the last so many samples."""

import math
from collections import deque

__all__ = ["RunningMean"]


class RunningMean:
    """Mean of the bounds of the last `samples` training samples, or of all while there are fewer."""

    def __init__(self, samples: int) -> None:
        self.samples = samples
        self.entries: deque[tuple[int, float]] = deque()  # (samples, bound) of a minibatch, oldest first
        self.held = 0

    def add(self, samples: int, bound: float) -> None:
        """A minibatch of `samples` datapoints had this mean bound."""
        self.entries.append((samples, bound))
        self.held += samples
        while self.held - self.entries[0][0] >= self.samples:
            self.held -= self.entries.popleft()[0]

    @property
    def mean(self) -> float:
        """Nats per datapoint; nan before the first minibatch."""
        return math.fsum(n * bound for n, bound in self.entries) / self.held if self.held else math.nan

    def state_dict(self) -> dict[str, list[tuple[int, float]]]:
        """Plain containers for a checkpoint."""
        return {"entries": list(self.entries)}

    def load_state_dict(self, state: dict[str, list[tuple[int, float]]]) -> None:
        """Takes over what `state_dict` gave."""
        self.entries = deque((int(n), float(bound)) for n, bound in state["entries"])
        self.held = sum(n for n, _ in self.entries)
