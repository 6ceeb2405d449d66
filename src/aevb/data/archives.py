"""Published archives of any size, verified by the hash that was published for them, and kept as they are.

A file of the paper's data sets is small, and is verified in memory by the hash of its content
(`aevb.data.verified_files`). The archives here have up to half a gigabyte. They are downloaded into a temporary
file, hashed on the way, and renamed only when the hash is right; a stored archive is hashed again whenever it is
used. What is unpacked is bounded, and goes into a temporary folder that is removed after reading.
"""

import gzip
import hashlib
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

from aevb.data import local_files as files
from aevb.data.download import TIMEOUT, Unreachable, fetch_into
from aevb.errors import UserError
from aevb.files.atomic import write_atomically

__all__ = ["Archive", "obtain_archives", "unpack_gzip"]

LARGEST = 1 << 30
"""Size in bytes that no archive, and no file in one, has."""


class Archive(NamedTuple):
    """A published file.

    Attributes:
        urls: Where it is, in the order in which the addresses are tried.
        md5: The hexadecimal hash that was published for it; None if none was. Such a file is known by the hashes
            of its content in the data.json of a run.
        folder: The subfolder of the data folder.
    """

    urls: tuple[str, ...]
    md5: str | None
    folder: str = "."

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.urls[0].rpartition("/")[2]


def obtain_archives(
    title: str,
    archives: Sequence[Archive],
    root: str | None,
    download: bool,
    mirror: str | None,
    timeout: float = TIMEOUT,
) -> list[Path]:
    """Return the verified archives of a data set, and download the missing ones.

    Args:
        title: The option of the data set, for messages, as "data=svhn".
        archives: The archives.
        root: The value of the key data.root, or None.
        download: Whether to download missing files.
        mirror: URL of a folder that is used instead of the published addresses.
        timeout: The timeout of a download in seconds (see `fetch_into`).

    Returns:
        The paths, in the order of `archives`.

    Raises:
        UserError: If a file is damaged, or if it is missing and cannot be downloaded.
    """
    folder = files.root(root)
    paths = [folder.path / archive.folder / archive.name for archive in archives]
    missing = [archive for archive, path in zip(archives, paths, strict=True) if not path.is_file()]
    if missing and not download:
        raise _missing(title, folder, missing, "data.download=false")
    for archive, path in zip(archives, paths, strict=True):
        if archive in missing:
            _download(title, folder, missing, archive, path, mirror, timeout)
        else:
            _check(archive, path)
    return paths


def _check(archive: Archive, path: Path) -> None:
    if archive.md5 is None:
        return
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); try: mend its permissions or replace it"
        ) from error
    if digest != archive.md5:
        raise UserError(
            f"{path}: altered or truncated: {path.stat().st_size:,} bytes with md5 {digest}, expected md5 {archive.md5}; "
            "try: delete it to download it again, or put a good copy there"
        )


def _download(
    title: str,
    folder: files.Root,
    missing: Sequence[Archive],
    archive: Archive,
    path: Path,
    mirror: str | None,
    timeout: float,
) -> None:
    reasons = []
    made = [parent for parent in path.parents if not parent.exists()]
    for url in archive.urls if mirror is None else (f"{mirror.rstrip('/')}/{archive.name}",):
        try:
            write_atomically(path, lambda file, url=url: _fetch(url, file, archive, timeout))  # type: ignore[misc]
        except Unreachable as error:
            reasons.append(f"{url}: {error}")
        else:
            return
    for parent in made:
        with suppress(OSError):
            parent.rmdir()
    raise _missing(title, folder, missing, f"the download failed: {'; '.join(reasons)}")


def _fetch(url: str, file: IO[bytes], archive: Archive, timeout: float) -> None:
    digest = hashlib.md5(usedforsecurity=False)

    def write(chunk: bytes) -> None:
        digest.update(chunk)
        file.write(chunk)

    fetch_into(url, write, LARGEST, timeout)
    if archive.md5 is not None and digest.hexdigest() != archive.md5:
        raise Unreachable(f"delivers {file.tell():,} bytes with md5 {digest.hexdigest()}, expected md5 {archive.md5}")


def _missing(title: str, folder: files.Root, missing: Sequence[Archive], reason: str) -> UserError:
    origin = folder.origin if folder.path.is_dir() else f"{folder.origin}: no such folder"
    listed = ", ".join(f"{archive.urls[0]} into {folder.path / archive.folder}" for archive in missing)
    return UserError(
        f"{origin}: {title} needs {', '.join(archive.name for archive in missing)} ({reason}); "
        f"try: put {listed}, or use data=digits, which needs no download"
    )


def unpack_gzip(source: IO[bytes], target: Path) -> None:
    """Decompress a gzip stream into a file.

    Args:
        source: The compressed stream.
        target: The file to write.

    Raises:
        UserError: If the stream is damaged, or unpacks to more than LARGEST bytes.
    """
    try:
        with gzip.GzipFile(fileobj=source) as stream, target.open("wb") as file:
            left = LARGEST
            while chunk := stream.read(1 << 20):
                if (left := left - len(chunk)) < 0:
                    raise OSError(f"more than {LARGEST:,} bytes")
                file.write(chunk)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(
            f"{target.name}.gz: cannot be unpacked ({' '.join(str(error).split())}); try: delete it"
        ) from error
