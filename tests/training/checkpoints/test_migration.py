"""A run that an older version started is resumed to the same bits."""

from pathlib import Path

import pytest
import torch

from aevb.training.checkpoints.identity import KEY
from aevb.training.checkpoints.io import load
from aevb.training.checkpoints.migration import upgrade_checkpoint
from helpers.short_runs import outcome, train


def in_old_form(path: Path, key: str) -> None:
    """Rewrites a checkpoint as older versions wrote it: one state for rows, timing and seconds; no name of the run."""
    checkpoint = torch.load(path, weights_only=True)
    states = checkpoint["callbacks"]
    rows, timing = states.pop("evaluation")["rows"], states.pop("timing")
    states[key] = {"rows": rows, "timing": timing["rows"], "seconds": timing["seconds"]}
    checkpoint.pop(KEY)
    torch.save(checkpoint, path)


@pytest.mark.parametrize("key", ["Marks", "EvaluationCallback"])
def test_an_old_checkpoint_is_resumed(key: str, undisturbed: Path, tmp_path: Path) -> None:
    run = train(tmp_path / "run", 1000)
    last = run / "checkpoints" / "last.ckpt"
    before = load(last)
    in_old_form(last, key)
    assert before["callbacks"]["evaluation"].pop("columns") == []  # older versions did not save them
    assert load(last)["callbacks"] == before["callbacks"]
    assert outcome(train(run, 3000)) == outcome(undisturbed)
    timing = (run / "timing.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in timing[1:]] == ["100", "200", "300", "500", "1000", "2000", "3000"]


def test_other_values_are_returned_as_they_are() -> None:
    present = {"callbacks": {"evaluation": {"rows": []}}}
    for value in (present, [], {}, {"callbacks": 1}, {"callbacks": {"Marks": {"rows": []}}}):
        assert upgrade_checkpoint(value) == value
