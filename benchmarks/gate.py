"""Taking turns: a method runs its own loop and calls the gate after every step; the gate lets it through while it is its turn.

Seconds are taken here, in the method's process, from the beginning of a turn to its last step.
"""

import json
import time
from collections.abc import Callable
from typing import IO, Any

__all__ = ["Gate", "Over"]


class Over(Exception):
    """Nobody asks for another turn."""


class Gate:
    """unit: steps of a turn. asked, answers: lines from and to the process that conducts. settle: waits for what the device is
    still at. facts: what a turn reports beside its seconds."""

    def __init__(self, unit: int, requests: IO[str], answers: IO[str]) -> None:
        self.unit, self.asked, self.answers = unit, requests, answers
        self.settle: Callable[[], Any] = lambda: None
        self.facts: dict[str, Any] = {}
        self._done, self._start = 0, 0.0

    def open(self) -> None:
        """Report that everything is set up, and wait for the first turn."""
        self._answer({})

    def __call__(self, steps: int = 1) -> None:
        """`steps` more were taken. Returns when the next may be; raises Over when there is none."""
        self._done += steps
        if self._done >= self.unit:
            self.settle()
            self._answer({"seconds": time.perf_counter() - self._start, "steps": self._done, **self.facts})

    def _answer(self, facts: dict[str, Any]) -> None:
        print(json.dumps(facts), file=self.answers, flush=True)
        if not self.asked.readline():
            raise Over
        self._done, self._start = 0, time.perf_counter()
