"""One file with the weights of many runs: a zip archive of run directories, without what only training needs.

The archive has `weights.json`, an index of the files with their sha256, and for each run a folder with its name:

    NAME/config.yaml, DONE, data.json, metrics.csv, timing.csv, evaluation/*.json, model.pt, best.pt

No member is compressed, and dates and the order of members are fixed, so equal runs give an equal archive, bit by bit.
`unzip` makes run directories of it. An archive may come from anyone: a name that is not in the list above is refused, sizes are
bounded, and a file is written only if its sha256 is that in the index. Weights are read as tensors only (`models.saved_weights`).
"""

import json
import re
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

from aevb.console.typed import typed_path
from aevb.errors import SURROGATES, UserError
from aevb.files.archive import is_stored
from aevb.files.atomic import write_atomically
from aevb.files.regular import MIB, open_regular, read_bytes
from aevb.runs import layout
from aevb.runs.records import read_json, sha256_of, sha256_of_file

__all__ = ["INDEX", "ArchivedRun", "archived_files", "open_archive", "unpack", "write_archive"]

INDEX = "weights.json"
FORMAT = 1
RECORDS = (layout.CONFIG, layout.DONE, layout.DATA, layout.METRICS, layout.TIMING, layout.LEARNING_RATES)
WEIGHTS = (layout.MODEL, layout.BEST)
EVALUATION = re.compile(rf"{layout.EVALUATIONS}/(best/)?[\w.,=+-]{{1,200}}\.json")
NAME = re.compile(r"(?!\.)[^/\\\0-\x1f]{1,255}")
DATE = (1980, 1, 1, 0, 0, 0)
RECORD_LIMIT = 16 * MIB
WEIGHTS_LIMIT = 1 << 30
REMEDY = "try: get the archive again"


class ArchivedRun(NamedTuple):
    """A run in an archive.

    Attributes:
        name: The name of its folder.
        files: The sha256 of each file by its path in the run directory.
    """

    name: str
    files: Mapping[str, str]


def archived_files(run: Path) -> dict[str, Path]:
    """Return the files of a run directory that an archive holds, by their path in it.

    Args:
        run: The run directory.
    """
    names = [name for name in (*RECORDS, *WEIGHTS) if (run / name).is_file()]
    evaluations = [*layout.evaluation_files(run), *layout.evaluation_files(run, best=True)]
    names += sorted(path.relative_to(run).as_posix() for path in evaluations)
    return {name: run / name for name in names if _limit(name)}


def _limit(name: str) -> int:
    """The largest size of a file of a run directory in an archive, bytes; 0 if an archive has no such file."""
    if name in WEIGHTS:
        return WEIGHTS_LIMIT
    return RECORD_LIMIT if name in RECORDS or EVALUATION.fullmatch(name) else 0


def write_archive(path: Path, runs: Mapping[str, Mapping[str, Path]]) -> str:
    """Write an archive, and beside it `<name>.sha256`, which `sha256sum --check` reads.

    Args:
        path: The archive.
        runs: For each run, by its name, the files by their path in the run directory.

    Returns:
        The sha256 of the archive.

    Raises:
        UserError: If a file is larger than an archive may hold, or nothing can be written.
    """
    for run in runs:
        if not NAME.fullmatch(run) or SURROGATES.search(run):
            raise UserError(
                f"{run}: no name for a run of an archive; allowed: UTF-8 without backslashes and control characters, and no dot "
                "first; try: rename the folder"
            )
    index: dict[str, Any] = {"format": FORMAT, "runs": {}}
    for run, files in sorted(runs.items()):
        index["runs"][run] = {name: sha256_of(_content(name, source)) for name, source in sorted(files.items())}

    def write(file: IO[bytes]) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(_member(INDEX), json.dumps(index, indent=1) + "\n")
            for run, files in sorted(runs.items()):
                for name, source in sorted(files.items()):
                    archive.writestr(_member(f"{run}/{name}"), _content(name, source))

    write_atomically(path, write)
    digest = sha256_of_file(path)
    line = f"{digest}  {path.name}\n"
    write_atomically(path.with_name(f"{path.name}.sha256"), lambda file: file.write(line.encode()))
    return digest


def _content(name: str, source: Path) -> bytes:
    content = read_bytes(source, _limit(name))
    if name != layout.DATA:
        return content
    hashes = {key: value for key, value in read_json(source).items() if key != "location"}  # of this machine
    return (json.dumps(hashes, indent=2) + "\n").encode()


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, DATE)
    member.create_system = 3  # Unix, wherever it is written
    member.external_attr = (stat.S_IFREG | 0o644) << 16
    return member


def open_archive(path: Path) -> list[ArchivedRun]:
    """Read the index of an archive and check the names and sizes of all members.

    Args:
        path: The archive.

    Returns:
        The runs, by name.

    Raises:
        UserError: If it is missing, damaged, or holds anything else than the files of runs.
    """
    if path.is_dir():
        raise UserError(
            f"{path}: a folder; allowed: an archive that aevb-weights wrote; try: aevb-weights pack {typed_path(path)}, which makes one"
        )
    try:
        with open_regular(path) as file:
            if not is_stored(file):
                raise UserError(f"{path}: compressed or damaged; allowed: what aevb-weights wrote; {REMEDY}")
            with zipfile.ZipFile(file) as archive:
                return _checked(path, archive)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such archive; try: ls {typed_path(path.parent)}") from error
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, RecursionError) as error:
        raise UserError(f"{path}: damaged ({' '.join(str(error).split())[:200]}); {REMEDY}") from error


def _checked(path: Path, archive: zipfile.ZipFile) -> list[ArchivedRun]:
    members = {member.filename: member for member in archive.infolist()}
    if INDEX not in members or members[INDEX].file_size > RECORD_LIMIT or len(members) != len(archive.infolist()):
        raise UserError(f"{path}: not an archive of weights (its {INDEX}); allowed: what aevb-weights wrote; {REMEDY}")
    index = json.loads(archive.read(INDEX).decode())
    runs = index.get("runs") if isinstance(index, dict) else None
    if not isinstance(runs, dict) or index.get("format") != FORMAT:
        raise UserError(f"{path}: {INDEX} has another format; allowed: {FORMAT}; try: another version of aevb")
    for member in members.values():
        _check_member(path, member)
    archived = []
    for name, files in sorted(runs.items()):
        good = isinstance(files, dict) and all(isinstance(digest, str) for digest in files.values())
        if not good or layout.MODEL not in files or not {f"{name}/{file}" for file in files} <= members.keys():
            raise UserError(f"{path}: {INDEX}: damaged (the files of {name!r}); {REMEDY}")
        archived.append(ArchivedRun(name, files))
    return archived


def _check_member(path: Path, member: zipfile.ZipInfo) -> None:
    if member.filename == INDEX:
        return
    run, _, name = member.filename.partition("/")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if not NAME.fullmatch(run) or not _limit(name) or kind not in (0, stat.S_IFREG):
        shown = ascii(member.filename)[:200]
        raise UserError(f"{path}: {shown}: refused; allowed: regular files of run directories; {REMEDY}")
    if member.file_size > _limit(name):
        raise UserError(f"{path}: {member.filename}: {member.file_size:,} bytes; allowed: {_limit(name):,}; {REMEDY}")


def unpack(path: Path, run: ArchivedRun, folder: Path) -> Path:
    """Write the directory of an archived run.

    Args:
        path: The archive.
        run: A run of it, as `open_archive` returns it.
        folder: Where the run directory is made.

    Returns:
        The run directory.

    Raises:
        UserError: If the directory exists, or a file is not the one in the index.
    """
    directory = folder / run.name
    if directory.exists() or directory.is_symlink():
        raise UserError(f"{directory}: exists; allowed: a folder without this run; try: another --output")
    content: dict[str, bytes] = {}
    with open_regular(path) as file, zipfile.ZipFile(file) as archive:
        for name, digest in run.files.items():
            try:
                content[name] = archive.read(f"{run.name}/{name}")
            except zipfile.BadZipFile as error:
                raise UserError(f"{path}: {run.name}/{name}: damaged; {REMEDY}") from error
            if sha256_of(content[name]) != digest:
                raise UserError(f"{path}: {run.name}/{name}: not the file that was packed (sha256); {REMEDY}")
    # DONE last: without it no directory is taken for a finished run.
    for name in sorted(content, key=lambda name: name == layout.DONE):
        write_atomically(directory / name, lambda file, name=name: file.write(content[name]))  # type: ignore[misc]
    return directory
