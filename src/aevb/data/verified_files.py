"""Files that were published once: found on disk or downloaded, and verified by content before anyone uses them.

What is hashed is the unpacked content, not the archive: the same images packed anew, or not packed at all, are the
same data; a single other byte in them is not.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from aevb.data import local_files as files
from aevb.data.download import TIMEOUT, Unreachable, fetch
from aevb.errors import UserError

__all__ = ["Damaged", "Published", "Source", "obtain"]


class Damaged(Exception):
    """Bytes that are not the published ones; the message says what was found and what was expected."""


class Published(NamedTuple):
    """One file: its name unpacked, its name on the mirrors, and the hash of its content.

    size: bytes of the content. decode: from the unpacked file to the content that is hashed and used.
    """

    name: str
    archive: str
    algorithm: str
    digest: str
    size: int
    decode: Callable[[bytes], bytes] = bytes

    def content(self, raw: bytes) -> bytes:
        """The content in `raw`, gzip or not; raises Damaged unless it is the published one."""
        try:
            content = self.decode(files.unpack(raw))
        except Exception as error:  # whatever a decoder makes of damaged bytes, the cause is the file
            raise Damaged(
                f"{len(raw):,} bytes that cannot be unpacked ({' '.join(str(error).split())}), expected "
                f"{self.size:,} bytes with {self.algorithm} {self.digest}"
            ) from error
        digest = hashlib.new(self.algorithm, content, usedforsecurity=False).hexdigest()
        if digest != self.digest:
            raise Damaged(
                f"{len(content):,} bytes with {self.algorithm} {digest}, expected "
                f"{self.size:,} bytes with {self.algorithm} {self.digest}"
            )
        return content


class Source(NamedTuple):
    """Where a data set comes from.

    mirrors: folders on the web, tried in turn; none: the files are placed by hand. page: where a person finds the
    files. folder: below the root, where a download is kept. instead: what to use without the files.
    """

    title: str
    files: tuple[Published, ...]
    mirrors: tuple[str, ...]
    page: str
    folder: str
    instead: str


def obtain(
    source: Source, root: str | None, download: bool = True, mirror: str | None = None, timeout: float = TIMEOUT
) -> list[bytes]:
    """The verified content of every file of `source`, downloaded where it is missing.

    root: the key data.root. mirror: a folder on the web used instead of the source's own mirrors. timeout: seconds.
    Raises UserError: a file is altered (found, expected, what to do) or missing and not to be had (where to put it).
    """
    place = files.root(root)
    found = {file: files.find(place.path, file.name) for file in source.files}
    remedy = "delete it to download it again, or put a good copy there" if source.mirrors else "put a good copy there"
    contents = {file: _verified(path, file, remedy) for file, path in found.items() if path is not None}
    missing = [file for file in source.files if file not in contents]
    mirrors = source.mirrors if mirror is None or not source.mirrors else (mirror,)
    if missing and not source.mirrors:
        raise _missing(source, place, missing, "they are not downloaded")
    if missing and not download:
        raise _missing(source, place, missing, "data.download=false")
    for file in missing:
        raw, contents[file] = _delivered(source, place, missing, file, mirrors, timeout)
        files.store(place.path / source.folder / file.archive, raw)
    return [contents[file] for file in source.files]


def _verified(path: Path, file: Published, remedy: str) -> bytes:
    try:
        return file.content(files.read(path))
    except Damaged as error:
        raise UserError(f"{path}: altered or truncated: {error}; {remedy}") from error


def _delivered(
    source: Source,
    place: files.Root,
    missing: list[Published],
    file: Published,
    mirrors: tuple[str, ...],
    timeout: float,
) -> tuple[bytes, bytes]:
    reasons = []
    for mirror in mirrors:
        url = f"{mirror.rstrip('/')}/{file.archive}"
        try:
            raw = fetch(url, timeout)
            return raw, file.content(raw)
        except Unreachable as error:
            reasons.append(f"{url}: {error}")
        except Damaged as error:
            reasons.append(f"{url}: delivers {error}")
    raise _missing(source, place, missing, f"the download failed: {'; '.join(reasons)}")


def _missing(source: Source, place: files.Root, missing: list[Published], reason: str) -> UserError:
    origin = place.origin if place.path.is_dir() else f"{place.origin}: no such folder"
    names = ", ".join(file.archive for file in missing)
    return UserError(
        f"{origin}: {source.title} needs {names} ({reason}); put these files, packed or not, into "
        f"{place.path / source.folder} (they are at {source.page}), or use {source.instead}"
    )
