"""Event files that forget: what a resumed run writes again is taken out of them first.

TensorBoard has a mark for this (purge_step), but of its two readers the default one ignores it and the other one leaves
texts twice. So the files are written anew, each beside its place and renamed, without the events that are not kept.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.summary.writer.record_writer import RecordWriter

from aevb.files.atomic import write_atomically
from aevb.files.regular import is_regular

__all__ = ["forget"]


def forget(folder: Path, kept: Callable[[int, str], bool]) -> None:
    """Leaves in the event files of `folder` the values of which `kept(step, tag)`; a record torn by a kill goes as well."""
    for path in sorted(folder.glob("events.out.tfevents.*")):
        is_regular(path)
        events = [record for record in RawEventFileLoader(str(path)).Load() if _is_kept(record, kept)]
        _write(path, events)


def _is_kept(record: bytes, kept: Callable[[int, str], bool]) -> bool:
    event = Event.FromString(record)
    return all(kept(event.step, value.tag) for value in event.summary.value)


def _write(path: Path, records: Iterable[bytes]) -> None:
    def write(file: object) -> None:
        writer = RecordWriter(file)
        for record in records:
            writer.write(record)

    write_atomically(path, write)
