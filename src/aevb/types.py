"""Ranges of constructor arguments, written where the argument is.

A constructor is the schema of its YAML: `lr: PositiveFloat = 0.01` says type and range once. `aevb.config` reads
these annotations from source, so a bad value is refused before torch is imported.
"""

from typing import Annotated, NamedTuple

__all__ = [
    "Decay",
    "Fraction",
    "HiddenDim",
    "NonNegativeFloat",
    "NonNegativeInt",
    "PositiveFloat",
    "PositiveInt",
    "Range",
    "Seed",
    "Threads",
]


class Range(NamedTuple):
    """An interval of numbers.

    Attributes:
        low: The lower end; None for no limit.
        high: The upper end; None for no limit.
        low_open: Whether the lower end is excluded.
        high_open: Whether the upper end is excluded.
    """

    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, int | float) or value != value:
            return False
        if self.low is not None and (value < self.low or (self.low_open and value == self.low)):
            return False
        return not (self.high is not None and (value > self.high or (self.high_open and value == self.high)))

    def __str__(self) -> str:
        above = "" if self.low is None else f"{'>' if self.low_open else '>='} {_plain(self.low)}"
        below = "" if self.high is None else f"{'<' if self.high_open else '<='} {_plain(self.high)}"
        return " and ".join(part for part in (above, below) if part) or "any number"


def _plain(bound: float) -> str:
    return str(bound) if isinstance(bound, int) else f"{bound:g}"


PositiveInt = Annotated[int, Range(1)]
NonNegativeInt = Annotated[int, Range(0)]
HiddenDim = PositiveInt | list[PositiveInt]  # units of one hidden layer, or of each of several
PositiveFloat = Annotated[float, Range(0, low_open=True)]
NonNegativeFloat = Annotated[float, Range(0)]
Fraction = Annotated[float, Range(0, 1)]
Decay = Annotated[float, Range(0, 1, high_open=True)]  # of a running mean; with 1 it would never change
Seed = Annotated[int, Range(0, 4294967295)]  # 32 bits, which every generator takes
Threads = Annotated[int, Range(1, 1024)]  # more are started for minutes before anything is computed
