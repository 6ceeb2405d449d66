"""Removing the TensorBoard events that a resumed run will write again.

TensorBoard has an event for this purpose (purge_step), but of its two readers the default one ignores it
and the other one shows texts twice. So each file is replaced by one without the events to be removed.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.summary.writer.record_writer import RecordWriter

from aevb.files.atomic import write_atomically
from aevb.files.regular import is_regular

__all__ = ["keep_events"]


def keep_events(folder: Path, is_kept: Callable[[int, str], bool]) -> None:
    """Remove events from the event files in a folder; a record that a kill has cut off is removed too.

    Args:
        folder: Folder with event files.
        is_kept: From step and tag of a value to whether it stays.
    """
    for path in sorted(folder.glob("events.out.tfevents.*")):
        is_regular(path)
        events = [record for record in RawEventFileLoader(str(path)).Load() if _all_kept(record, is_kept)]
        _write(path, events)


def _all_kept(record: bytes, is_kept: Callable[[int, str], bool]) -> bool:
    event = Event.FromString(record)
    return all(is_kept(event.step, value.tag) for value in event.summary.value)


def _write(path: Path, records: Iterable[bytes]) -> None:
    def write(file: object) -> None:
        writer = RecordWriter(file)
        for record in records:
            writer.write(record)

    write_atomically(path, write)
