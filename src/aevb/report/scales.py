"""Axes: values to pixels, and the ticks between."""

import math
from typing import NamedTuple

__all__ = ["Scale", "linear_ticks", "log_ticks", "power_of_ten", "short_number"]

SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


class Scale(NamedTuple):
    """An axis of a chart.

    Attributes:
        low: The value at its start.
        high: The value at its end.
        start: The position of its start, pixels.
        end: The position of its end, pixels.
        logarithmic: Whether the axis is logarithmic; its values are then positive.
    """

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """The pixel of a value; nan outside of what the axis can show."""
        if self.logarithmic:
            if value <= 0:
                return math.nan
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        # A curve that leaves the panel is cut by its frame; the limit is for diverged runs, whose numbers would fill the file.
        return self.start + min(1e3, max(-1e3, share)) * (self.end - self.start)


def log_ticks(low: float, high: float) -> list[float]:
    """Return the powers of ten from `low` to `high`; where there is one at most, twice and five times a power as well, or round numbers.

    Args:
        low: The low end of the axis.
        high: The high end of the axis.
    """
    first, last = math.floor(math.log10(low) - 1e-9), math.ceil(math.log10(high) + 1e-9)
    for factors in ((1,), (1, 2, 5)):
        ticks = [factor * 10.0**k for k in range(first, last + 1) for factor in factors]
        inside = [tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
        if len(inside) > 1:
            return inside
    return linear_ticks(low, high)


def linear_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return multiples of 1, 2 or 5 x 10^k from `low` to `high`.

    Args:
        low: The low end of the axis.
        high: The high end of the axis.
        most: The largest number of ticks.
    """
    raw = (high - low) / most
    power = 10 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def power_of_ten(value: float) -> str:
    """Return the label of a tick on an axis of samples: 10⁶ for powers of ten from 1,000 on, 2·10⁶ for multiples.

    Args:
        value: The value at the tick.
    """
    return _scientific(value) if value >= 1000 else short_number(value)


def short_number(value: float) -> str:
    """Return the label of a tick: the shortest text, with a typographic minus sign.

    Args:
        value: The value at the tick.
    """
    text = f"{value:.10g}"
    return _scientific(value) if abs(value) >= 1e5 or "e" in text else text.replace("-", "−")


def _scientific(value: float) -> str:
    mantissa, exponent = f"{value:.2e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    power = f"10{str(int(exponent)).translate(SUPERSCRIPTS)}"
    text = mantissa.removesuffix("1") + power if mantissa in ("1", "-1") else f"{mantissa}·{power}"
    return text.replace("-", "−")
