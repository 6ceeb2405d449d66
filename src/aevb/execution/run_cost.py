"""What a run will cost, in seconds, from what a short trial of the same config cost on this machine."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Self

from aevb.runs.progress import next_evaluation_point

__all__ = ["ONE_PASS", "EvaluatorCost", "RunCost", "RunTime", "Timing", "evaluation_points", "run_time", "wall_seconds"]

ONE_PASS = "bound"
"""The evaluator that sees the whole split at every evaluation point, so that its time is one number."""


class EvaluatorCost(NamedTuple):
    """The time of an evaluator on one split: `fixed + per_image * images`, seconds.

    Attributes:
        fixed: Seconds, whatever the number of images.
        per_image: Seconds for each image.
    """

    fixed: float
    per_image: float = 0.0

    @classmethod
    def of(cls, few: "Timing", many: "Timing") -> Self:
        """Return the line through two measurements.

        Args:
            few: A measurement.
            many: One with more images.
        """
        per_image = max(0.0, (many.seconds - few.seconds) / (many.images - few.images))
        return cls(max(0.0, many.seconds - per_image * many.images), per_image)

    def seconds(self, images: int) -> float:
        """Return the time for a number of images, seconds; none for no image.

        Args:
            images: The number of images.
        """
        return self.fixed + self.per_image * images if images else 0.0


class Timing(NamedTuple):
    """A measured evaluation.

    Attributes:
        seconds: What it took.
        images: How many images it had.
    """

    seconds: float
    images: int


@dataclass(frozen=True)
class RunCost:
    """What a trial has measured.

    Attributes:
        per_sample: Seconds of training for each training sample.
        evaluators: The time of each evaluator, by name.
        unknown: Evaluators whose time depends on the trained model, so that it is in no estimate.
        start: Seconds of a run outside training and evaluation, after torch and Lightning are loaded.
        test_images: Number of test images of the data set.
    """

    per_sample: float
    evaluators: dict[str, EvaluatorCost]
    unknown: list[str]
    start: float
    test_images: int

    def record(self) -> dict[str, Any]:
        """Return the numbers as JSON can hold them."""
        return asdict(self) | {"evaluators": {name: list(cost) for name, cost in self.evaluators.items()}}

    @classmethod
    def of(cls, record: dict[str, Any]) -> Self:
        """Return what `record` was made from.

        Args:
            record: What `record` returned.
        """
        return cls(**{**record, "evaluators": {k: EvaluatorCost(*v) for k, v in record["evaluators"].items()}})


class RunTime(NamedTuple):
    """The estimated time of what is left of a run, seconds.

    Attributes:
        training: Training, with the trials of learning rates.
        evaluation: Evaluation points and the evaluations at the end.
        start: The rest.
    """

    training: float
    evaluation: float
    start: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.training + self.evaluation + self.start


def evaluation_points(settings: dict[str, Any], samples_seen: int) -> Iterator[int]:
    """Yield the evaluation points that are left of a run, its end last.

    Args:
        settings: The config of the run.
        samples_seen: Training samples so far.
    """
    node, end = settings["evaluation"], settings["max_samples"]
    point = next_evaluation_point(samples_seen, node["every"])
    while point < end:
        if point >= node["start"]:
            yield point
        point = next_evaluation_point(point, node["every"])
    yield end


def run_time(settings: dict[str, Any], samples_seen: int, cost: RunCost) -> RunTime:
    """Return the time that a run needs from where it is to its end.

    Args:
        settings: The config of the run.
        samples_seen: Training samples so far.
        cost: What a trial of the same config has measured.
    """
    node, selection = settings["evaluation"], settings.get("selection")
    samples = settings["max_samples"] - samples_seen
    if selection and not samples_seen:
        samples += len(selection["learning_rates"]) * selection["samples"]
    at_point = at_end = 0.0
    final = min(node["final_images"] or cost.test_images, cost.test_images)
    seen = min(node["num_images"], cost.test_images)
    for name, evaluator in cost.evaluators.items():
        if name == ONE_PASS:
            at_point += evaluator.seconds(cost.test_images) * (2 if node["splits"] in ("valid", "all") else 1)
        else:
            at_point += evaluator.seconds(seen) * (2 if node["splits"] in ("both", "all") else 1)
            at_end += evaluator.seconds(max(0, final - seen))
    points = sum(1 for _ in evaluation_points(settings, samples_seen))
    return RunTime(samples * cost.per_sample, points * at_point + at_end, cost.start)


def wall_seconds(times: list[float], slots: int) -> float:
    """Return when the last of some runs ends, if each begins as soon as a slot is free, in their order.

    Args:
        times: The time of each run, seconds.
        slots: How many run at once.
    """
    free = [0.0] * max(1, slots)
    for seconds in times:
        free[free.index(min(free))] += seconds
    return max(free)
