"""The names of event files, which are the order in which TensorBoard reads them."""

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.summary.writer import event_file_writer
from torch.utils.tensorboard import SummaryWriter

from aevb.loggers.event_files import wait_until_a_new_file_is_last


def test_two_files_of_one_second_are_read_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files number 9 and 10 of a process: as text 10 is before 9."""
    monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(9))
    for step in (1, 2):
        wait_until_a_new_file_is_last(tmp_path)
        with SummaryWriter(tmp_path) as writer:
            writer.add_scalar("bound/test", -100.0, step)
    assert [event.step for event in EventAccumulator(str(tmp_path)).Reload().Scalars("bound/test")] == [1, 2]


def test_a_folder_without_event_files_needs_no_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail("it waited"))
    (tmp_path / "projector_config.pbtxt").write_text("")
    wait_until_a_new_file_is_last(tmp_path)
