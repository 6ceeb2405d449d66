"""progress.json is written at the last block of a training, whatever ends it."""

from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aevb.runs.progress import load_progress
from aevb.training.callbacks.checkpointing import CheckpointCallback
from aevb.training.callbacks.progress import ProgressRecord
from aevb.training.running_mean import RunningMean
from aevb.training.schedule import Block, EvaluationSchedule


def write_at_once(write: Any) -> Future[None]:
    future: Future[None] = Future()
    future.set_result(write())
    return future


@pytest.mark.parametrize(
    ("samples", "stopping", "should_stop", "seen"),
    [(20, False, False, 0), (100, False, False, 100), (20, True, False, 20), (20, False, True, 20)],
    ids=["goes on", "end of the budget", "stop signal", "early stopping"],
)
def test_the_last_block_is_recorded(tmp_path: Path, samples: int, stopping: bool, should_stop: bool, seen: int) -> None:
    checkpoints = CheckpointCallback(tmp_path / "last.ckpt", EvaluationSchedule(100), 5.0, write_at_once)  # type: ignore[arg-type]
    record = ProgressRecord(tmp_path, checkpoints)
    module: Any = SimpleNamespace(samples_seen=0, stopping=stopping, window=RunningMean(10))
    trainer: Any = SimpleNamespace(should_stop=should_stop)
    record.on_train_start(trainer, module)
    module.samples_seen = samples
    record.on_train_batch_end(trainer, module, None, Block(0, samples), 0)
    progress = load_progress(tmp_path)
    assert progress is not None
    assert progress.samples_seen == seen
