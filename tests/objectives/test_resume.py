"""An interrupted run of any objective continues to the same bits, because its state is in the checkpoint.

The runs end in one process, so that every objective can be tested; tests/faults/test_kills.py kills
processes.
"""

from pathlib import Path

import pytest

from aevb.config import options
from helpers.short_runs import outcome, train

OVERRIDES = {
    "mcem": (
        "objective.count=updates",
        "evaluator=[]",
    ),  # counted by gradients, a run of this length would be one round
    "score_function": ("objective.baseline=running",),
    "semi_supervised": ("model=semi_supervised",),
}

FAST = ("sgvb_b", "nvil", "mcem")  # one each with gradients of the paper's, state of its own, and chains
CASES = [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in options("objective")]


@pytest.mark.fault(
    "a run of any objective is interrupted and resumed",
    "the same weights and metrics.csv as without the interruption",
)
@pytest.mark.parametrize("objective", CASES)
def test_a_run_in_two_parts_comes_to_the_same_bits(objective: str, tmp_path: Path) -> None:
    chosen = (f"objective={objective}", "optimizer.warmup=0", "evaluator=[]", *OVERRIDES.get(objective, ()))
    whole = outcome(train(tmp_path / "whole", 1700, *chosen))
    part = train(tmp_path / "parts", 900, *chosen)
    at_the_break, _ = outcome(part)
    assert outcome(train(part, 1700, *chosen)) == whole
    assert at_the_break != whole[0]
