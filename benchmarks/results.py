"""What a benchmark finds: rows that are held against goals, and the speeds behind them."""

import statistics
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple

__all__ = ["LEFT_OUT", "Goal", "Result", "Row", "Speed", "not_measured"]

LEFT_OUT = "left out of --quick"
"""Why a row has no numbers, where a plan is brief."""

Verdict = Literal["met", "missed", "not measured", ""]


class Goal(NamedTuple):
    """A bound on the median: at least or at most `value`; `aim` is what would be better still."""

    sense: Literal["≥", "≤"]
    value: float
    aim: float | None = None

    def holds(self, value: float, of: float | None = None) -> bool:
        """Whether `value` keeps the bound, or the bound `of` in its place."""
        bound = self.value if of is None else of
        return value >= bound if self.sense == "≥" else value <= bound

    def __str__(self) -> str:
        return f"{self.sense} {self.value:g}" + (f" (aim {self.aim:g})" if self.aim is not None else "")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    values: a number a round, in `unit` ("×": a ratio). note: a word on it, or why it was not measured.
    """

    group: str
    what: str
    values: list[float] = field(default_factory=list)
    unit: str = "×"
    threads: int | None = None
    goal: Goal | None = None
    note: str = ""

    @property
    def median(self) -> float:
        """Over rounds."""
        return statistics.median(self.values)

    @property
    def verdict(self) -> Verdict:
        """Whether the median keeps the goal."""
        if not self.values:
            return "not measured"
        if self.goal is None:
            return ""
        return "met" if self.goal.holds(self.median) else "missed"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        stated = {"sense": self.goal.sense, "value": self.goal.value, "aim": self.goal.aim} if self.goal else None
        numbers: dict[str, Any] = {"median": None, "low": None, "high": None}
        if self.values:
            numbers = {"median": self.median, "low": min(self.values), "high": max(self.values)}
        return {**asdict(self), "goal": stated, **numbers, "verdict": self.verdict}


def not_measured(group: str, what: str, why: str, goal: Goal | None = None, threads: int | None = None) -> Row:
    """A row without numbers."""
    return Row(group, what, goal=goal, threads=threads, note=why)


@dataclass(frozen=True)
class Speed:
    """How long one method takes. seconds: per `per`, one a round."""

    group: str
    method: str
    seconds: list[float]
    per: str = "step"
    threads: int | None = None

    @property
    def median(self) -> float:
        """Over rounds."""
        return statistics.median(self.seconds)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "median": self.median, "low": min(self.seconds), "high": max(self.seconds)}


class Result(NamedTuple):
    """Of one group."""

    rows: list[Row]
    speeds: list[Speed]
