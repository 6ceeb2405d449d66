r"""Learning-rate schedules: the learning rate of an update as a function of the training samples before it.

    constant   lr
    step       lr gamma^floor(s / every)
    cosine     lr [m + (1 - m) (1 + cos(pi min(s / S, 1))) / 2]        Loshchilov & Hutter 2017, one period
    warm-up    lr min(1, a + (1 - a) s / S)
    IWAE       lr 10^(-i/7) for 3^i passes over the data, i = 0 ... 7   Burda et al. 2016, section 5

s is the number of training samples that the run has seen before the update, over all devices. The learning
rate is therefore a function of the checkpoint alone: a run that is resumed, or that is trained by another
engine or in larger blocks, has the same learning rate in the same update.
"""

import math
from abc import ABC, abstractmethod

from aevb.types import Fraction, PositiveFloat, PositiveInt

__all__ = ["IWAE", "Constant", "Cosine", "Schedule", "Step", "WarmUp"]


class Schedule(ABC):
    """Base class of learning-rate schedules."""

    continuous: bool = False
    """Whether the learning rate changes at every update; a literal, since it is read from the source."""

    @abstractmethod
    def factor(self, samples_seen: int) -> float:
        """Return the learning rate as a multiple of `optimizer.lr`.

        Args:
            samples_seen: Training samples before the update, s.
        """

    @abstractmethod
    def constant_until(self, samples_seen: int) -> float:
        """Return the number of training samples at which the factor changes next.

        Args:
            samples_seen: Training samples before the update, s.

        Returns:
            A number above s: the factor is the same for all updates before it. math.inf: it does not change.
        """


class Constant(Schedule):
    """The learning rate of the optimizer, unchanged."""

    def factor(self, samples_seen: int) -> float:
        """Return 1 (see `Schedule.factor`)."""
        return 1.0

    def constant_until(self, samples_seen: int) -> float:
        """Return math.inf (see `Schedule.constant_until`)."""
        return math.inf


class Step(Schedule):
    """The learning rate is multiplied by a constant again and again.

    Args:
        every: Training samples between two changes.
        gamma: What the learning rate is multiplied by.
    """

    def __init__(self, every: PositiveInt, gamma: PositiveFloat = 0.5) -> None:
        self.every, self.gamma = every, gamma

    def factor(self, samples_seen: int) -> float:
        """Return gamma^floor(s / every) (see `Schedule.factor`)."""
        return self.gamma ** (samples_seen // self.every)

    def constant_until(self, samples_seen: int) -> float:
        """Return the next multiple of `every` (see `Schedule.constant_until`)."""
        return (samples_seen // self.every + 1) * self.every


class WarmUp(Schedule):
    """The learning rate rises linearly, then stays.

    Args:
        samples: Training samples until it is `optimizer.lr`, S.
        start: Its fraction at the beginning, a.
    """

    continuous = True

    def __init__(self, samples: PositiveInt, start: Fraction = 0.0) -> None:
        self.samples, self.start = samples, start

    def factor(self, samples_seen: int) -> float:
        """Return min(1, a + (1 - a) s / S) (see `Schedule.factor`)."""
        return self.start + (1 - self.start) * min(samples_seen / self.samples, 1.0)

    def constant_until(self, samples_seen: int) -> float:
        """Return math.inf after the warm-up (see `Schedule.constant_until`)."""
        return samples_seen + 1 if samples_seen < self.samples else math.inf


class Cosine(Schedule):
    """The learning rate falls along half a period of a cosine, then stays.

    Args:
        samples: Training samples until it is at its smallest, S.
        minimum: Its fraction there, m.
    """

    continuous = True

    def __init__(self, samples: PositiveInt, minimum: Fraction = 0.0) -> None:
        self.samples, self.minimum = samples, minimum

    def factor(self, samples_seen: int) -> float:
        """Return m + (1 - m) (1 + cos(pi min(s / S, 1))) / 2 (see `Schedule.factor`)."""
        phase = math.pi * min(samples_seen / self.samples, 1.0)
        return self.minimum + (1 - self.minimum) * (1 + math.cos(phase)) / 2

    def constant_until(self, samples_seen: int) -> float:
        """Return math.inf after S samples (see `Schedule.constant_until`)."""
        return samples_seen + 1 if samples_seen < self.samples else math.inf


class IWAE(Schedule):
    """lr 10^(-i/7) for 3^i passes over the training set, i = 0 ... 7: 3,280 passes in all (Burda et al. 2016).

    Stage i begins after (3^i - 1) / 2 passes. After the last stage its learning rate stays.

    Args:
        n_train: Training images, N: a pass is N samples.
        stages: Number of stages; 8 in the paper.
    """

    def __init__(self, n_train: int, stages: PositiveInt = 8) -> None:
        self.n_train, self.stages = n_train, stages

    def stage(self, samples_seen: int) -> int:
        """Return i.

        Args:
            samples_seen: Training samples before the update, s.
        """
        i = 0
        while i + 1 < self.stages and samples_seen >= self._begin(i + 1):
            i += 1
        return i

    def factor(self, samples_seen: int) -> float:
        """Return 10^(-i/7) (see `Schedule.factor`)."""
        return 10 ** (-self.stage(samples_seen) / 7)

    def constant_until(self, samples_seen: int) -> float:
        """Return the beginning of the next stage (see `Schedule.constant_until`)."""
        i = self.stage(samples_seen)
        return self._begin(i + 1) if i + 1 < self.stages else math.inf

    def _begin(self, i: int) -> int:
        passes: int = (3**i - 1) // 2
        return passes * self.n_train
