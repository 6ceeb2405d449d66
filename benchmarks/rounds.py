"""Rounds: in each, everybody takes a turn while all others are idle. A ratio is of two turns in the same round.

The order moves on by one from round to round, so that no method always follows the same other one; what slows the whole machine
down for a while falls on both sides of a ratio.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

__all__ = ["Taker", "order", "ratios", "rounds"]

PAUSE = 0.2  # seconds between turns: threads that spin while they wait go to sleep


class Taker(Protocol):
    """Somebody who takes turns."""

    def ready(self) -> None:
        """Returns when it is set up and idle."""

    def take_turn(self) -> float:
        """Seconds per unit of work."""

    def close(self) -> object:
        """No more turns."""


def order(names: list[str], k: int) -> list[str]:
    """Who comes when in round k."""
    k %= len(names)
    return names[k:] + names[:k]


def rounds(takers: Mapping[str, Taker], count: int, report_progress: Callable[[str], None]) -> dict[str, list[float]]:
    """Seconds per unit of work of every turn, by name, one a round; ends all takers. report_progress: gets the method at work."""
    seconds: dict[str, list[float]] = {name: [] for name in takers}
    try:
        for name, taker in takers.items():
            report_progress(f"setting up: {name}")
            taker.ready()
        for k in range(count):
            for name in order(list(takers), k):
                report_progress(f"round {k + 1} of {count}: {name}")
                time.sleep(PAUSE)
                seconds[name].append(takers[name].take_turn())
    finally:
        with ThreadPoolExecutor(len(takers)) as pool:  # each takes a second to end
            list(pool.map(lambda taker: taker.close(), takers.values()))
    return seconds


def ratios(above: list[float], below: list[float]) -> list[float]:
    """above / below, round by round."""
    return [a / b for a, b in zip(above, below, strict=True)]
