"""Removing the TensorBoard events that a resumed run will write again.

TensorBoard has an event for this purpose (purge_step), but of its two readers the default one ignores it
and the other one shows texts twice. So each file is replaced by one without the events to be removed.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.summary.writer.record_writer import RecordWriter

from aevb.files.atomic import write_atomically
from aevb.files.regular import is_regular

__all__ = ["keep_events", "wait_until_a_new_file_is_last"]

_PREFIX = "events.out.tfevents."


def keep_events(folder: Path, is_kept: Callable[[int, str], bool]) -> None:
    """Remove events from the event files in a folder; a record that a kill has cut off is removed too.

    Args:
        folder: Folder with event files.
        is_kept: From step and tag of a value to whether it stays.
    """
    for path in sorted(folder.glob(f"{_PREFIX}*")):
        is_regular(path)  # refuses a link
        events = [record for record in RawEventFileLoader(str(path)).Load() if _all_kept(record, is_kept)]
        _write(path, events)


def wait_until_a_new_file_is_last(folder: Path) -> None:
    """Wait, for less than a second, until a new event file is read after those that are in the folder.

    TensorBoard reads files in the order of their names: the second of their creation, the host, the process and a
    number, compared as text. Within one second number 10 would be read before number 9.

    Args:
        folder: Folder with event files.
    """
    seconds = {path.name.removeprefix(_PREFIX).partition(".")[0] for path in folder.glob(f"{_PREFIX}*")}
    while str(int(time.time())) in seconds:
        time.sleep(0.01)


def _all_kept(record: bytes, is_kept: Callable[[int, str], bool]) -> bool:
    event = Event.FromString(record)
    return all(is_kept(event.step, value.tag) for value in event.summary.value)


def _write(path: Path, records: Iterable[bytes]) -> None:
    def write(file: object) -> None:
        writer = RecordWriter(file)
        for record in records:
            writer.write(record)

    write_atomically(path, write)
