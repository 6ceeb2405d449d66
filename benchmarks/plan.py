"""How much is measured."""

from dataclasses import dataclass, field, replace

from benchmarks.benchmark_model import BenchmarkModel
from benchmarks.children import cores

__all__ = ["FEW_EVALUATIONS", "Plan", "full", "quick"]

FEW_EVALUATIONS = ("evaluator=bound", "evaluation.start=10000")
"""For runs that are timed between evaluation points, from Plan.since on; evaluations are not counted and take long."""


@dataclass(frozen=True)
class Plan:
    """spec: what everybody computes. rounds: of every group. threads: numbers of them to train with.

    steps: of a method's turn. since, until: samples_seen of the evaluation points between which a run of aevb is timed; the first
    10,000 samples are the optimizer's warm-up. images: of a turn of importance sampling. one_parameter: as `until`, for the
    model of one parameter, timed from a tenth of that on. members: of an ensemble. extra: overrides of every run. brief: without
    rows that are variants of others.
    """

    spec: BenchmarkModel = field(default_factory=BenchmarkModel)
    rounds: int = 7
    threads: tuple[int, ...] = (2, 1)
    steps: int = 1000
    since: int = 10_000
    until: int = 200_000
    images: int = 50
    one_parameter: int = 1_000_000
    members: int = 4
    extra: tuple[str, ...] = ()
    brief: bool = False

    def at(self, unit: int) -> BenchmarkModel:
        """The specification with turns of `unit`."""
        return replace(self.spec, unit=unit)

    def run(self, until: int | None = None) -> list[str]:
        """Overrides of one run of the specification."""
        return [*self.spec.overrides(), f"max_samples={until or self.until}", *self.extra]


def full() -> Plan:
    """What the goals are about."""
    return Plan(threads=(2, 1) if cores() > 1 else (1,))


def quick() -> Plan:
    """To see roughly where one is, within two minutes on two cores."""
    return Plan(
        rounds=1,
        threads=(min(2, cores()),),
        steps=100,
        until=30_000,
        images=5,
        one_parameter=100_000,
        members=2,
        extra=FEW_EVALUATIONS,
        brief=True,
    )
