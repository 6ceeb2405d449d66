"""Files are written while training continues; errors are reported, and a run ends only when its files are on disk."""

import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from aevb import runs
from aevb.errors import UserError
from aevb.training.callbacks.checkpointing import CheckpointCallback
from aevb.training.callbacks.preemption import PreemptionCallback
from aevb.training.checkpoints.background_writer import BackgroundWriter
from aevb.training.checkpoints.io import DurableCheckpointIO, QueuedCheckpointIO, copied, load
from aevb.training.divergence import Diverged, DivergenceWatch
from aevb.training.module import Training
from helpers.short_runs import outcome, train

BLOCKS = ("trainer.block=1",)  # of one minibatch: ten between the evaluation points at 1000 and 2000


def on_saving(monkeypatch: pytest.MonkeyPatch, at: int, before: Callable[[], None], after: Callable[[], None]) -> None:
    """Calls `before` and `after` around the writing of the checkpoints of `at` samples."""
    save = DurableCheckpointIO.save_checkpoint

    def wrapped(self: DurableCheckpointIO, checkpoint: dict[str, Any], path: Path, options: Any = None) -> None:
        seen = checkpoint["training"]["samples_seen"]
        if seen == at:
            before()
        save(self, checkpoint, path, options)
        if seen == at:
            after()

    monkeypatch.setattr(DurableCheckpointIO, "save_checkpoint", wrapped)


def after_blocks(monkeypatch: pytest.MonkeyPatch, then: Callable[[Training], None]) -> None:
    """Calls `then` after every block, before anybody hears of its end."""
    step = Training.training_step

    def wrapped(self: Training, block: Any) -> None:
        step(self, block)
        then(self)

    monkeypatch.setattr(Training, "training_step", wrapped)


def on_disk(run: Path) -> int:
    return load(run / "checkpoints" / "last.ckpt")["training"]["samples_seen"]


def state(path: Path) -> dict[str, Any]:
    """All of a checkpoint that does not depend on the clock."""
    checkpoint = load(path)
    rows = checkpoint["callbacks"]["evaluation"]["rows"]
    return {key: checkpoint[key] for key in ("state_dict", "optimizer_states", "training")} | {"rows": rows}


def at_once(self: QueuedCheckpointIO, checkpoint: dict[str, Any], path: Path, storage_options: Any = None) -> None:
    """For `QueuedCheckpointIO.save_checkpoint`: the thread that trains writes."""
    DurableCheckpointIO().save_checkpoint(checkpoint, path)


@pytest.mark.fault(
    "training continues while a checkpoint is written",
    "the checkpoint has the exact state of its evaluation point",
)
def test_training_continues_while_a_checkpoint_is_written(
    undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing at 1000 waits for the block that ends at 1500."""
    passed, waited = threading.Event(), []
    with monkeypatch.context() as patch:
        patch.setattr(QueuedCheckpointIO, "save_checkpoint", at_once)
        last = tmp_path / "first" / "checkpoints" / "last.ckpt"
        on_saving(patch, 1000, lambda: None, partial(shutil.copy, last, tmp_path / "first.ckpt"))
        train(tmp_path / "first", 3000, *BLOCKS)
    last = tmp_path / "run" / "checkpoints" / "last.ckpt"
    copy = partial(shutil.copy, last, tmp_path / "beside.ckpt")
    on_saving(monkeypatch, 1000, lambda: waited.append(passed.wait(60)), copy)
    after_blocks(monkeypatch, lambda module: passed.set() if module.samples_seen >= 1500 else None)
    train(tmp_path / "run", 3000, *BLOCKS)
    assert waited == [True], "training waited for the writing"
    beside, first = state(tmp_path / "beside.ckpt"), state(tmp_path / "first.ckpt")
    torch.testing.assert_close(beside, first, rtol=0, atol=0)
    assert outcome(tmp_path / "run") == outcome(undisturbed)


@pytest.mark.fault(
    "a checkpoint cannot be written while training continues",
    "reported after the block of minibatches in progress; nothing is written after it",
)
def test_a_failed_write_ends_the_run_after_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, seen = tmp_path / "run", []

    def refuse() -> None:
        raise UserError("full")

    def then(module: Training) -> None:
        seen.append(module.samples_seen)
        if module.samples_seen == 1100:
            (saver,) = [callback for callback in module.trainer.callbacks if isinstance(callback, CheckpointCallback)]
            with suppress(UserError):
                saver.writer.wait()

    on_saving(monkeypatch, 1000, refuse, lambda: None)
    after_blocks(monkeypatch, then)
    with pytest.raises(UserError, match=r"^full$"):
        train(run, 3000, *BLOCKS)
    assert seen[-1] == 1100
    assert on_disk(run) == 500
    assert runs.state(run) == "failed"


@pytest.mark.fault(
    "a run ends while a checkpoint is being written",
    "model.pt and DONE are written after the checkpoint is on disk",
)
def test_everything_is_on_disk_before_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, save, observed = tmp_path / "run", runs.write_atomically, []
    written: list[None] = []

    def looks(path: Path, *rest: Any) -> None:
        if path.name == "model.pt":
            observed.append((len(written), on_disk(run), int(runs.Run(run).metrics()["samples_seen"][-1])))
        save(path, *rest)

    monkeypatch.setattr(runs, "write_atomically", looks)
    on_saving(monkeypatch, 300, partial(time.sleep, 1.0), partial(written.append, None))
    train(run, 300, "trainer.checkpoint_minutes=1e-9")
    assert observed == [(1, 300, 300)]


@pytest.mark.fault(
    "a run is asked to stop, and its checkpoint takes a long time",
    "it reports that it has stopped, and ends, when the checkpoint is on disk",
)
@pytest.mark.slow
def test_a_stopped_run_says_so_when_it_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, observed = tmp_path / "run", []
    end = PreemptionCallback.on_train_batch_end

    def looks(self: PreemptionCallback, trainer: Any, module: Training, *rest: Any) -> None:
        if module.stopping:
            observed.append((module.samples_seen, on_disk(run)))
        end(self, trainer, module, *rest)

    def stop(module: Training) -> None:
        module.stop_requested |= module.samples_seen == 700

    monkeypatch.setattr(PreemptionCallback, "on_train_batch_end", looks)
    after_blocks(monkeypatch, stop)
    on_saving(monkeypatch, 800, partial(time.sleep, 1.0), lambda: None)
    with pytest.raises(SystemExit) as stopped:
        train(run, 3000, *BLOCKS)
    assert stopped.value.code == 143
    assert observed == [(800, 800)]


@pytest.mark.fault(
    "a run diverges while a checkpoint is being written",
    "the error names this checkpoint, and is printed when the checkpoint is on disk",
)
@pytest.mark.parametrize(("minutes", "seen"), [("5", 1000), ("1e-9", 1400)], ids=["evaluation point", "time"])
@pytest.mark.slow
def test_a_run_that_diverges_names_what_is_on_disk(
    minutes: str, seen: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, observed = tmp_path / "run", []
    finite_bounds, checkpoint = DivergenceWatch.finite_bounds, DivergenceWatch._checkpoint

    def looks(self: DivergenceWatch) -> str:
        sentence = checkpoint(self)
        observed.append(on_disk(run))
        return sentence

    def diverges(self: DivergenceWatch, updates: list[Any]) -> Any:
        return finite_bounds(self, updates) if self.module.samples_seen <= seen else None

    monkeypatch.setattr(DivergenceWatch, "finite_bounds", diverges)
    monkeypatch.setattr(DivergenceWatch, "_checkpoint", looks)
    on_saving(monkeypatch, seen, partial(time.sleep, 1.0), lambda: None)
    with pytest.raises(Diverged, match=rf"last\.ckpt, at samples_seen={seen};"):
        train(run, 3000, *BLOCKS, f"trainer.checkpoint_minutes={minutes}")
    assert observed == [seen]


def test_a_writer_keeps_order_and_stops_at_a_refusal() -> None:
    done: list[int] = []

    def refuse() -> None:
        raise OSError("full")

    def works(then: Callable[[BackgroundWriter], None]) -> None:
        with BackgroundWriter() as writer:
            for work in (partial(done.append, 1), partial(done.append, 2), refuse, partial(done.append, 3)):
                writer(work)
            then(writer)

    def other(writer: BackgroundWriter) -> None:
        raise KeyError

    for then in (lambda writer: None, BackgroundWriter.wait):
        with pytest.raises(OSError, match="full"):
            works(then)
        assert done == [1, 2]
        done.clear()
    with pytest.raises(KeyError):  # what is being raised is not covered up
        works(other)
    assert done == [1, 2]


def test_there_is_one_copy_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second save waits for the first, and copies what is there when that is on disk."""
    path, state = tmp_path / "last.ckpt", {"x": torch.zeros(3), "training": {"samples_seen": 1}}
    on_saving(monkeypatch, 1, partial(time.sleep, 0.3), lambda: state["x"].fill_(1))
    with BackgroundWriter() as writer:
        io = QueuedCheckpointIO(writer)
        io.save_checkpoint(state, path)
        io.save_checkpoint(state | {"training": {"samples_seen": 2}}, path)
    assert load(path)["x"].tolist() == [1, 1, 1]
    assert load(tmp_path / "last.previous.ckpt")["x"].tolist() == [0, 0, 0]


def test_a_copy_shares_nothing_and_keeps_what_a_state_dict_has() -> None:
    state = torch.nn.BatchNorm1d(2).state_dict()
    whole = {"state": state, "rows": [{"a": 1.0}], "pairs": [(1, [2.0])], "row": torch.zeros(5, 2)[1]}
    own = copied(whole)
    torch.testing.assert_close(own, whole)
    assert own["state"]._metadata == state._metadata
    state["weight"].fill_(9)
    whole["rows"][0]["a"] = whole["pairs"][0][1][0] = 9.0
    assert own["state"]["weight"].tolist() == [1, 1]
    assert (own["rows"], own["pairs"]) == ([{"a": 1.0}], [(1, [2.0])])
    assert own["row"].untyped_storage().nbytes() == 8
