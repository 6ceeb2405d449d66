"""A gate without a second process."""

import pytest

from benchmarks.benchmark_model import BenchmarkModel
from benchmarks.gate import Gate, Over


class Counted(Gate):
    """Ends a method's loop after so many steps. opened: whether it told that it was ready."""

    def __init__(self, steps: int) -> None:
        self.steps, self.taken, self.opened = steps, 0, False
        self.settle = lambda: None
        self.facts = {}

    def open(self) -> None:
        self.opened = True

    def __call__(self, steps: int = 1) -> None:
        assert self.opened
        self.taken += steps
        if self.taken >= self.steps:
            raise Over


def run(loop, spec: BenchmarkModel, steps: int) -> Counted:
    """Runs a method's loop for `steps` steps."""
    gate = Counted(steps)
    with pytest.raises(Over):
        loop(spec, gate)
    return gate
