"""The clock of training seconds."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["TrainingTimer"]


class TrainingTimer:
    """Seconds of a process, less those in which a run of it was evaluated: members of an ensemble wait for each other then."""

    def __init__(self) -> None:
        self._paused = 0.0

    def __call__(self) -> float:
        """Differences count."""
        return time.perf_counter() - self._paused

    @contextmanager
    def pause(self) -> Iterator[None]:
        """What happens inside is no training, of whichever run."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._paused += time.perf_counter() - start
