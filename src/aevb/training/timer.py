"""Seconds of training and of evaluation."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["RunClock", "TrainingTimer"]


class TrainingTimer:
    """A timer that stands still while a run of this process is evaluated.

    The members of an ensemble share one, since all of them wait while one is evaluated.
    """

    def __init__(self) -> None:
        self._paused = 0.0

    def __call__(self) -> float:
        """Return the time in seconds; only differences have a meaning."""
        return time.perf_counter() - self._paused

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Do not count the time inside the `with` block."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._paused += time.perf_counter() - start


class RunClock:
    """Training and evaluation seconds of one run, over all of its processes so far.

    Args:
        timer: The timer of this process.
    """

    def __init__(self, timer: TrainingTimer) -> None:
        self.timer = timer
        self._training = self._evaluation = 0.0
        self._start: float | None = None

    def resume(self, training: float, evaluation: float) -> None:
        """Continue from the seconds of a checkpoint.

        Args:
            training: The training time, seconds.
            evaluation: The evaluation time, seconds.
        """
        self._training, self._evaluation = training, evaluation

    def start(self) -> None:
        """Begin to count training seconds."""
        self._start = self.timer()

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Count the time inside the `with` block as evaluation."""
        start = time.perf_counter()
        with self.timer.pause():
            yield
        self._evaluation += time.perf_counter() - start

    def seconds(self) -> tuple[float, float]:
        """Return the training and the evaluation seconds up to now."""
        running = 0.0 if self._start is None else self.timer() - self._start
        return self._training + running, self._evaluation
