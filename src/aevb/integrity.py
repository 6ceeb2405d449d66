"""Whether what a run directory holds is still what was put there, told without torch: whole files, the same data."""

import zipfile
from pathlib import Path
from typing import Any

from aevb.errors import UserError
from aevb.runs import read_json, write_json

__all__ = ["newest_checkpoint", "same_data", "whole"]


def whole(path: Path) -> bool:
    """Whether a file that torch saved is as it was saved. torch.load reads changed bytes without complaint."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError):
        return False  # the last is zipfile's word for a method of compression that changed bytes have made up


def newest_checkpoint(directory: Path) -> Path | None:
    """The last checkpoint that is whole: the one before the last if that is damaged, or if a kill fell between two renames.

    None where there is none. Raises UserError where all are damaged.
    """
    folder = directory / "checkpoints"
    found = [folder / name for name in ("last.ckpt", "last.previous.ckpt") if (folder / name).is_file()]
    for path in found:
        if whole(path):
            return path
    if found:
        raise UserError(
            f"{' and '.join(map(str, found))}: damaged; try: restore one of them, or remove {folder} and start this run "
            "from the beginning"
        )
    return None


def same_data(directory: Path, hashes: dict[str, str], data: dict[str, Any]) -> None:
    """Notes in data.json what a run is trained on, and refuses anything else when it goes on.

    hashes: sha256 of each split's targets. data: the config's node, for the words. Raises UserError.
    """
    path = directory / "data.json"
    if not path.is_file():
        write_json(path, hashes)
        return
    before = read_json(path)
    changed = [name for name in hashes if before.get(name) != hashes[name]]
    if changed:
        key = next((key for key in ("path", "root") if data.get(key)), None)
        given = f"data.{key}={data[key]}" if key else f"data={data['_target_']}"
        raise UserError(
            f"{given}: not the data that {directory} began with (changed: {', '.join(changed)}); allowed: the same images; "
            "try: restore them, or another name="
        )
