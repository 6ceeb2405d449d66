"""Published files, which are read from disk or downloaded, and verified by the hash of their content.

The hash is that of the decompressed content. A file is therefore accepted whether and however it is
compressed, and it is refused if a single byte of its content differs.
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
    """Raised if bytes differ from the published ones; the message gives the actual and the expected hash."""


class Published(NamedTuple):
    """A published file.

    Attributes:
        name: The name of the decompressed file.
        archive: The name of the file on the mirrors.
        algorithm: The name of the hash algorithm, for hashlib.
        digest: The hexadecimal hash of the content.
        size: The size of the content in bytes.
        decode: The function that converts the decompressed file to the content.
    """

    name: str
    archive: str
    algorithm: str
    digest: str
    size: int
    decode: Callable[[bytes], bytes] = bytes

    def content(self, raw: bytes) -> bytes:
        """Return the verified content of a file.

        Args:
            raw: The bytes of the file, compressed with gzip or not.

        Returns:
            The content.

        Raises:
            Damaged: If the content is not the published one.
        """
        try:
            content = self.decode(files.unpack(raw))
        except Exception as error:  # a decoder may raise any error for damaged bytes
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
    """The source of the files of a data set.

    Attributes:
        title: The name of the data set in messages.
        files: The files.
        mirrors: URLs of the folders to download from, in the order in which they are tried; if empty, the
            files are not downloaded and the user has to provide them.
        page: The web page of the files, for messages.
        folder: The subfolder of the data folder for downloaded files.
        instead: An alternative to the data set, for messages.
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
    """Return the verified contents of the files of a source, and download the missing ones.

    Args:
        source: The source.
        root: The value of the key data.root, or None.
        download: Whether to download missing files.
        mirror: URL of a folder that is used instead of the mirrors of the source.
        timeout: The timeout of a download in seconds (see `fetch`).

    Returns:
        The contents in the order of `source.files`.

    Raises:
        UserError: If a file is damaged, or if it is missing and cannot be downloaded.
    """
    folder = files.root(root)
    paths = {file: files.find(folder.path, file.name) for file in source.files}
    remedy = "delete it to download it again, or put a good copy there" if source.mirrors else "put a good copy there"
    contents = {file: _verified(path, file, remedy) for file, path in paths.items() if path is not None}
    missing = [file for file in source.files if file not in contents]
    mirrors = source.mirrors if mirror is None or not source.mirrors else (mirror,)
    if missing and not source.mirrors:
        raise _missing(source, folder, missing, "they are not downloaded")
    if missing and not download:
        raise _missing(source, folder, missing, "data.download=false")
    for file in missing:
        raw, contents[file] = _delivered(source, folder, missing, file, mirrors, timeout)
        files.store(folder.path / source.folder / file.archive, raw)
    return [contents[file] for file in source.files]


def _verified(path: Path, file: Published, remedy: str) -> bytes:
    try:
        return file.content(files.read(path))
    except Damaged as error:
        raise UserError(f"{path}: altered or truncated: {error}; {remedy}") from error


def _delivered(
    source: Source,
    folder: files.Root,
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
    raise _missing(source, folder, missing, f"the download failed: {'; '.join(reasons)}")


def _missing(source: Source, folder: files.Root, missing: list[Published], reason: str) -> UserError:
    origin = folder.origin if folder.path.is_dir() else f"{folder.origin}: no such folder"
    names = ", ".join(file.archive for file in missing)
    return UserError(
        f"{origin}: {source.title} needs {names} ({reason}); allowed: these files, packed or not, in "
        f"{folder.path / source.folder} (they are at {source.page}); try: {source.instead}"
    )
