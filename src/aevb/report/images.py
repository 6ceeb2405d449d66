"""The images of a run: the newest picture of every tag in its TensorBoard event files, read without TensorFlow or torch.

An event file is a series of records: length (8 bytes, little endian), checksum (4), an Event protocol buffer, checksum (4).
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from aevb.errors import UserError
from aevb.files.regular import read_bytes
from aevb.runs import layout

__all__ = ["LARGEST_IMAGE", "Picture", "read_images"]

LARGEST_FILE = 64_000_000  # bytes of an event file that is read
LARGEST_IMAGE = 300_000  # bytes of a PNG that is shown
SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Picture(NamedTuple):
    """One PNG of an event file.

    Attributes:
        title: The tag.
        samples_seen: The training samples seen when it was written.
        width: Pixels.
        height: Pixels.
        png: The bytes of the file.
    """

    title: str
    samples_seen: int
    width: int
    height: int
    png: bytes


def read_images(directory: Path, limit: int) -> list[Picture]:
    """Read the newest picture of every tag of a run.

    Args:
        directory: The run directory.
        limit: The largest number of pictures.

    Returns:
        PNG pictures of at most `LARGEST_IMAGE` bytes, by tag; files that cannot be read are passed over.
    """
    newest: dict[str, Picture] = {}
    for path in sorted(directory.glob(f"{layout.TENSORBOARD}/events.out.tfevents.*")) if limit else []:
        for picture in _pictures(path):
            before = newest.get(picture.title)
            if before is None or picture.samples_seen >= before.samples_seen:
                newest[picture.title] = picture
    return [newest[title] for title in sorted(newest)][:limit]


def _pictures(path: Path) -> Iterator[Picture]:
    from google.protobuf.message import DecodeError  # here: a report without images does not wait for it
    from tensorboard.compat.proto.event_pb2 import Event

    for record in _records(path):
        try:
            event = Event.FromString(record)
        except DecodeError:
            return
        for value in event.summary.value:
            png = value.image.encoded_image_string
            if png.startswith(SIGNATURE) and len(png) <= LARGEST_IMAGE:
                width, height = struct.unpack(">II", png[16:24]) if len(png) >= 24 else (0, 0)
                yield Picture(value.tag, int(event.step), width, height, png)


def _records(path: Path) -> Iterator[bytes]:
    try:
        data = read_bytes(path, LARGEST_FILE)
    except (OSError, UserError):
        return
    start = 0
    while start + 12 <= len(data):
        (length,) = struct.unpack_from("<Q", data, start)
        end = start + 12 + length
        if end + 4 > len(data):
            return  # a record that a kill has torn, or a damaged length
        yield data[start + 12 : end]
        start = end + 4
